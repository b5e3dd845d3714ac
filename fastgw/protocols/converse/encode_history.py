"""Turns as `system` and `messages`: user and assistant in alternation, every call answered in the next message.

What the API demands of a history, and what happens to one that is otherwise
(docs.aws.amazon.com/bedrock/latest/userguide/conversation-inference-call.html, read 2026-11-21):

- `user` and `assistant` alternate, a `user` message first: neighbours of one role become one message by putting their
  blocks behind each other; a history that begins with the assistant gets a first user message.
- Each call is answered in the very next message by one result, in the order of the calls, results first. A call
  without an answer, an answer without a call and two answers to one call are refused, as the API would.
- Blank text is not taken: it is left out. An assistant turn of which nothing is left says nothing and goes; a user
  turn of which nothing is left stays, as `EMPTY`, which also stands beside a document without a word.
- System messages, wherever they stand, make up `system`, in order.
- Pictures and documents of the assistant go into the next user message.
"""

from typing import Any

import msgspec

from fastgw.protocols.converse.encode_blocks import Blocks
from fastgw.protocols.hub.conversation import Conversation, Document, Image, Part, Text, Turn
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.pairing import answered, calls_of
from fastgw.protocols.hub.target import Target

_BILLING = "x-anthropic-billing-header:"
"""Claude Code's first system block; it differs with each request and would spoil the prompt caches of other models."""
EMPTY = "(no content)"
"""What a user turn without content says."""

_Lists = list[dict[str, Any]]


class _Group(msgspec.Struct):
    """One message to be: the kept parts of neighbouring turns."""

    assistant: bool
    parts: list[Part]


def history(conversation: Conversation, target: Target, losses: Losses) -> tuple[_Lists, _Lists]:
    """`system` and `messages`, at least one. Raises `GatewayError` (400)."""
    return _History(conversation, target, losses).made()


class _History:
    def __init__(self, conversation: Conversation, target: Target, losses: Losses) -> None:
        self._turns = conversation.turns
        self._abilities = target.abilities
        self._foreign = target.family != "anthropic"
        self._losses = losses
        self._path = field_of(conversation.origin, "turns")
        self._blocks = Blocks(conversation.origin, target, losses)
        self._system: _Lists = []
        self._groups: list[_Group] = []

    def made(self) -> tuple[_Lists, _Lists]:
        self._group()
        self._move_media()
        groups = self._groups
        if not groups or groups[0].assistant:
            groups.insert(0, _Group(False, [Text(EMPTY)]))
        messages: _Lists = []
        calls: dict[str, None] = {}
        for group in groups:
            parts = self._answered(calls, [] if group.assistant else group.parts)
            calls = calls_of(group.parts, self._path, self._losses) if group.assistant else {}
            parts = group.parts if group.assistant else parts
            content = [block for part in parts for block in self._blocks.of(part)]
            if not group.assistant and any("document" in block for block in content):
                content += [] if any("text" in block for block in content) else [{"text": EMPTY}]
            messages.append({"role": "assistant" if group.assistant else "user", "content": content})
        self._answered(calls, [])
        return self._system, messages

    def _group(self) -> None:
        for turn in self._turns:
            if turn.name:
                self._losses.drop(f"{self._path}.name")
            if turn.role in ("system", "developer"):
                self._instruct(turn)
                continue
            assistant = turn.role == "assistant"
            parts = [part for part in turn.parts if self._blocks.kept(part, assistant=assistant)]
            if not parts:
                if assistant:
                    continue
                parts = [Text(EMPTY)]
            last = self._groups[-1] if self._groups else None
            if last is not None and last.assistant == assistant:
                last.parts = [*(part for part in last.parts if part != Text(EMPTY)), *parts]
            else:
                self._groups.append(_Group(assistant, parts))

    def _instruct(self, turn: Turn) -> None:
        for part in turn.parts:
            if not isinstance(part, Text):
                self._losses.refuse(self._path, "instructions may be text only. Send the rest as a user.")
            if part.text.strip() and not (self._foreign and part.text.startswith(_BILLING)):
                self._system += self._blocks.of(part)

    def _move_media(self) -> None:
        """Take from the assistant what only users may show."""
        number = 0
        while number < len(self._groups):
            group = self._groups[number]
            number += 1
            moved: list[Part] = [part for part in group.parts if isinstance(part, Image | Document)]
            if not moved or not group.assistant:
                continue
            group.parts = [part for part in group.parts if part not in moved] or [Text(EMPTY)]
            if number == len(self._groups):
                self._groups.append(_Group(False, moved))
            else:
                self._groups[number].parts = [*moved, *self._groups[number].parts]

    def _answered(self, calls: dict[str, None], parts: list[Part]) -> list[Part]:
        return answered(calls, parts, self._path, self._losses, tool_images=self._abilities.tool_images)
