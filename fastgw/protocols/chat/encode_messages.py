"""Turns of the hub as chat messages: calls answered right behind them, pictures of results in a user message."""

from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any

from fastgw.protocols.chat.encode_assistant import assistant, call_id
from fastgw.protocols.chat.encode_parts import Parts
from fastgw.protocols.hub.conversation import (
    Conversation,
    Format,
    Part,
    Refused,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Target

Message = dict[str, Any]

_SYSTEM = ("system", "developer")
_WORDS = (Text, Refused)
_ASIDE = (ToolResult, Thought)
"""Parts that are no content of a message."""
_BILLING = "x-anthropic-billing-header:"
"""Start of Claude Code's first system block, which differs from request to request and would spoil prompt caches."""
_FROM_TOOL = "Output of the tool call {}:"
_FROM_ANSWER = "From the answer above:"


def messages(conversation: Conversation, target: Target, losses: Losses) -> list[Message]:
    """All messages, at least one."""
    turns = conversation.turns
    if not target.abilities.mid_system:
        turns = (*(t for t in turns if t.role in _SYSTEM), *(t for t in turns if t.role not in _SYSTEM))
    return _Writing(conversation, turns, target, losses).all()


def hint(made: list[Message], form: Format) -> None:
    """Ask for JSON in a system message behind the other ones at the top."""
    words = "Answer with one JSON object and nothing else: no prose around it and no code fence."
    if form.schema:
        words += f" It must be valid against this JSON Schema: {form.schema}"
    at = next((at for at, message in enumerate(made) if message["role"] not in _SYSTEM), len(made))
    made.insert(at, {"role": "system", "content": words})


class _Writing:
    """The messages of one conversation, made turn by turn."""

    def __init__(self, conversation: Conversation, turns: Sequence[Turn], target: Target, losses: Losses) -> None:
        self._own = conversation.origin == "chat"
        self._turns = turns
        self._target = target
        self._parts = Parts(conversation, target, losses)
        self._path = field_of(conversation.origin, "turns")
        self._losses = losses
        self._made: list[Message] = []
        self._pending: list[Any] = []
        """Pictures and files of results and answers, which no message but a user's can hold."""
        self._results: dict[str, deque[tuple[int, ToolResult]]] = {}
        """Those that are not written yet, by call, with the number of their turn."""
        for at, turn in enumerate(turns):
            for part in turn.parts:
                if part.__class__ is ToolResult:
                    self._results.setdefault(part.call_id, deque()).append((at, part))

    def all(self) -> list[Message]:
        """What was made; one empty message when nothing was said."""
        for at, turn in _joined(self._turns, own=self._own):
            if turn.role == "assistant":
                self._assistant(at, turn)
            else:
                self._other(at, turn)
        self._flush()
        return self._made or [{"role": "user", "content": ""}]

    def _assistant(self, at: int, turn: Turn) -> None:
        message, pictures = assistant(turn, self._parts, self._target, own=self._own)
        if message is not None:
            if turn.name:
                message |= self._name(turn.name)
            self._flush()
            self._made.append(message)
        if pictures:
            self._pending += [{"type": "text", "text": _FROM_ANSWER}, *pictures]
        if self._own:
            # A caller of this dialect has put the results where they belong.
            return
        for part in turn.parts:
            if isinstance(part, ToolCall) and (waiting := self._results.get(part.id)) and waiting[0][0] > at:
                self._result(*waiting.popleft())

    def _other(self, at: int, turn: Turn) -> None:
        for part in turn.parts:
            if isinstance(part, ToolResult):
                waiting = self._results.get(part.call_id)
                if waiting and waiting[0][1] is part:
                    self._result(*waiting.popleft())
        rest: list[Part] = [part for part in turn.parts if part.__class__ not in _ASIDE]
        if turn.role == "tool" and not rest:
            return
        if turn.role in _SYSTEM:
            self._flush()
            self._system(turn, rest)
        else:
            self._user(turn, rest)

    def _system(self, turn: Turn, rest: list[Part]) -> None:
        role = "developer" if turn.role == "developer" and self._target.abilities.developer_role else "system"
        if not self._own:
            rest = [part for part in rest if not (isinstance(part, Text) and part.text.startswith(_BILLING))]
        self._add(role, self._parts.content(rest, plain=turn.plain), turn.name)

    def _user(self, turn: Turn, rest: list[Part]) -> None:
        content = self._parts.content(rest, plain=turn.plain)
        if self._pending:
            pending, self._pending = self._pending, []
            follows = [{"type": "text", "text": content}] if isinstance(content, str) and content else content
            content = [*pending, *follows]
        self._add("user", content, turn.name)

    def _add(self, role: str, content: str | list[Any], name: str) -> None:
        if content or self._own:
            message: Message = {"role": role, "content": content}
            self._made.append(message | self._name(name) if name else message)

    def _name(self, name: str) -> dict[str, str]:
        if not name:
            return {}
        if not self._target.abilities.names:
            self._losses.drop(f"{self._path}.name")
            return {}
        return {"name": name}

    def _flush(self) -> None:
        """Write what waits for a user's message as one of its own."""
        if self._pending:
            pending, self._pending = self._pending, []
            self._made.append({"role": "user", "content": pending})

    def _result(self, at: int, result: ToolResult) -> None:
        content, beside = self._parts.result(result, plain=self._turns[at].plain)
        made_id = call_id(result.call_id, own=self._own)
        message: Message = {"role": "tool", "tool_call_id": made_id, "content": content}
        if self._own:
            message |= self._name(result.name) | self._parts.cached(result.cache)
        self._made.append(message)
        if beside:
            self._pending += [{"type": "text", "text": _FROM_TOOL.format(made_id)}, *beside]


def _joined(turns: Sequence[Turn], *, own: bool) -> Iterator[tuple[int, Turn]]:
    """Turns with the number of their last one; consecutive ones of the assistant become one where they are one
    message in chat (Responses has an item for each piece of reasoning, text and call)."""
    at = 0
    while at < len(turns):
        turn = turns[at]
        if turn.role == "assistant" and not own:
            parts = turn.parts
            while at + 1 < len(turns) and turns[at + 1].role == "assistant" and _may_join(parts, turns[at + 1].parts):
                at += 1
                parts += turns[at].parts
            turn = Turn("assistant", parts, name=turn.name)
        yield at, turn
        at += 1


def _may_join(before: tuple[Part, ...], after: tuple[Part, ...]) -> bool:
    """Words never move before calls that they followed, nor run into other words."""
    if not any([part.__class__ in _WORDS for part in after]):
        return True
    return not any([part.__class__ in _WORDS or part.__class__ is ToolCall for part in before])
