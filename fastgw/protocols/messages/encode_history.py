"""Turns as `system` and `messages`: user and assistant in alternation, every call answered in the next message.

What the API demands of a history, and what happens to one that is otherwise (reference and error texts, 2026-11):

- `user` and `assistant` alternate, a `user` message first: neighbours of one role become one message by putting their
  blocks behind each other; a history that begins with the assistant gets a first user message.
- Each `tool_use` is answered in the very next message by one `tool_result`, results first and in the order of the
  calls, then the rest. A call without an answer, an answer without a call and two answers to one call are refused, as
  the API would: an answer made up here would be words that no tool said.
- Blank text is not taken: it is left out. An assistant turn of which nothing is left says nothing and goes; a user
  turn of which nothing is left stays, as `EMPTY`.
- Pictures and documents in results follow behind all results where the lane takes text alone there.
- Pictures (and documents, from version 2026-10-21 on) are not taken from the assistant: they go into the next user
  message.
- System messages ahead of the conversation are `system`. Later ones stay in `messages`, where the lane knows that
  (`abilities.mid_system`), but only behind a user message and ahead of an assistant one or the end: one that stands
  elsewhere goes behind the next user message. Otherwise they are hoisted to the end of `system`.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Document, Image, Part, Text, Turn
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.pairing import answered, calls_of
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages.encode_blocks import Blocks
from fastgw.protocols.messages.version import ASSISTANT_DOCUMENTS_END

NAME = "messages"
EMPTY = "(no content)"
"""What a user turn without content says; Claude Code's own words for it (2026-11)."""

System = str | list[dict[str, Any]]


class _Group(msgspec.Struct):
    """One message to be: the kept parts of neighbouring turns, and the system text that follows them."""

    assistant: bool
    parts: list[Part]
    plain: bool
    notes: list[Turn]


def history(conversation: Conversation, target: Target, losses: Losses) -> tuple[System, list[dict[str, Any]]]:
    """`system` (empty: none) and `messages`, at least one. Raises `GatewayError` (400)."""
    return _History(conversation, target, losses).made()


class _History:
    def __init__(self, conversation: Conversation, target: Target, losses: Losses) -> None:
        self._turns = conversation.turns
        self._own = conversation.origin == NAME
        self._abilities = target.abilities
        self._losses = losses
        self._path = field_of(conversation.origin, "turns")
        self._blocks = Blocks(conversation.origin, target, losses)
        self._system: list[Turn] = []
        self._groups: list[_Group] = []

    def made(self) -> tuple[System, list[dict[str, Any]]]:
        self._group()
        self._move_media()
        groups = self._groups
        if not groups or (groups[0].assistant and not self._own):
            groups.insert(0, _Group(False, [Text(EMPTY)], True, []))
        messages: list[dict[str, Any]] = []
        calls: dict[str, None] = {}
        for group in groups:
            if not group.assistant:
                group.parts = self._answered(calls, group.parts)
                calls = {}
            else:
                if calls:
                    self._answered(calls, [])
                calls = calls_of(group.parts, self._path, self._losses)
            messages.append(self._message(group))
            if group.notes:
                messages.append({"role": "system", "content": self._notes(group.notes)})
        if calls:
            self._answered(calls, [])
        _trim_prefill(messages[-1])
        return self._notes(self._system), messages

    def _group(self) -> None:
        """Put neighbours together; system turns where they may stand."""
        waiting: list[Turn] = []
        for turn in self._turns:
            if turn.name:
                self._losses.drop(f"{self._path}.name")
            if turn.role in ("system", "developer"):
                self._place(turn, waiting)
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
                last.plain = False
            else:
                last = _Group(assistant, parts, turn.plain, [])
                self._groups.append(last)
            if not assistant and waiting:
                last.notes += waiting
                waiting.clear()
        self._system += waiting

    def _place(self, turn: Turn, waiting: list[Turn]) -> None:
        if not self._groups or not self._abilities.mid_system:
            self._system.append(turn)
        elif self._groups[-1].assistant:
            waiting.append(turn)
        else:
            self._groups[-1].notes.append(turn)

    def _move_media(self) -> None:
        """Take from the assistant what only users may show."""
        kinds: tuple[type, ...] = (Image,)
        if self._abilities.version >= ASSISTANT_DOCUMENTS_END:
            kinds = (Image, Document)
        number = 0
        while number < len(self._groups):
            group = self._groups[number]
            number += 1
            moved = [part for part in group.parts if part.__class__ in kinds] if group.assistant else []
            if not moved:
                continue
            group.parts = [part for part in group.parts if not isinstance(part, kinds)] or [Text(EMPTY)]
            if number == len(self._groups):
                self._groups.append(_Group(False, moved, False, []))
            else:
                following = self._groups[number]
                following.parts = [*moved, *following.parts]
                following.plain = False

    def _answered(self, calls: dict[str, None], parts: list[Part]) -> list[Part]:
        return answered(calls, parts, self._path, self._losses, tool_images=self._abilities.tool_images)

    def _message(self, group: _Group) -> dict[str, Any]:
        role = "assistant" if group.assistant else "user"
        first = group.parts[0]
        if group.plain and len(group.parts) == 1 and isinstance(first, Text) and not first.cache:
            return {"role": role, "content": first.text}
        content = [block for part in group.parts for block in self._blocks.of(part, assistant=group.assistant)]
        return {"role": role, "content": content}

    def _notes(self, turns: list[Turn]) -> System:
        """The text of system turns; a bare string where one came so and stands alone."""
        texts: list[Text] = []
        for turn in turns:
            for part in turn.parts:
                if not isinstance(part, Text):
                    self._losses.refuse(self._path, "instructions may be text only. Send the rest as a user.")
                if part.text.strip():
                    texts.append(part)
        if len(turns) == 1 and turns[0].plain and len(texts) == 1 and not texts[0].cache:
            return texts[0].text
        return [block for text in texts for block in self._blocks.of(text, assistant=False)]


def _trim_prefill(message: dict[str, Any]) -> None:
    """A last assistant message, which the answer continues, may not end with a blank."""
    if message["role"] != "assistant":
        return
    content = message["content"]
    if isinstance(content, str):
        message["content"] = content.rstrip()
    elif content[-1].get("type") == "text":
        content[-1]["text"] = content[-1]["text"].rstrip()
