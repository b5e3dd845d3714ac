"""Turns of a conversation as `instructions` and items of `input`."""

import hashlib
from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import (
    Conversation,
    Opaque,
    Part,
    Refused,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
)
from fastgw.protocols.hub.ids import tool_id
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Target
from fastgw.protocols.responses.encode_parts import Parts, output_text
from fastgw.protocols.responses.namespaces import split_names
from fastgw.protocols.responses.seals import BARE_INPUT, INSTRUCTIONS

DIALECT = "responses"
_BILLING = "x-anthropic-billing-header:"
"""Claude Code's first system block; it differs with each request and would spoil every prompt cache."""
_OTHERS = (ToolResult, Opaque, ToolCall)
"""Parts that are items of their own."""
_WORDS = (Text, Refused)
EMPTY = "(no content)"
"""What a user's turn without content says."""
_encode = msgspec.json.Encoder().encode

Item = dict[str, Any] | msgspec.Raw


class Items:
    """The history of one request. After `encode`, `instructions` and `input` are what is to be sent."""

    def __init__(self, conversation: Conversation, target: Target, losses: Losses) -> None:
        self._conversation = conversation
        self._target = target
        self._losses = losses
        self._own = conversation.origin == DIALECT
        self._path = field_of(conversation.origin, "turns")
        own_files = conversation.origin in {DIALECT, "chat"}
        self.parts = Parts(target.abilities, losses, self._path, own=self._own, own_files=own_files)
        self._names = split_names(conversation.tools) if self._own else {}
        self._custom_calls: set[str] = set()
        self.instructions: str | None = None
        self.input: str | list[Item] = []
        self._items: list[Item] = []

    def encode(self) -> None:
        """Raises `GatewayError` (400) for what would change the meaning."""
        rest = self._without_instructions()
        for turn in rest:
            self._turn(turn)
        if not self._own and not self._items:
            # `input` may not be empty.
            role, text = ("user", EMPTY) if self.instructions is None else ("system", self.instructions)
            self._items.append({"type": "message", "role": role, "content": text})
            self.instructions = None
        first = rest[0] if len(rest) == 1 else None
        bare = first.parts[0] if self._own and first is not None and first.id == BARE_INPUT else None
        self.input = bare.text if isinstance(bare, Text) else self._items

    def _without_instructions(self) -> list[Turn]:
        """The turns that stay."""
        rest: list[Turn] = []
        said: list[str] = []
        for turn in self._conversation.turns:
            if self._own:
                first = turn.id == INSTRUCTIONS
            elif self._target.abilities.mid_system:
                first = turn.role == "system" and not rest
            else:
                first = turn.role in {"system", "developer"}
            if not first:
                rest.append(turn)
                continue
            if turn.name:
                self._losses.drop(f"{self._path}.name")
            for part in turn.parts:
                if isinstance(part, Opaque):
                    self._losses.opaque(part)
                elif not isinstance(part, Text):
                    self._losses.refuse(self._path, "instructions may be text only. Send the rest as a user.")
                elif not part.text.startswith(_BILLING):
                    said.append(part.text)
                    self.parts.forget(part.cache)
        if said:
            self.instructions = "\n\n".join(text for text in said if text or self._own)
            if not self.instructions and not self._own:
                self.instructions = None
        return rest

    def _turn(self, turn: Turn) -> None:
        if turn.name:
            self._losses.drop(f"{self._path}.name")
        if turn.role == "assistant":
            self._assistant(turn)
            return
        content: list[dict[str, Any]] = []
        for part in turn.parts:
            if isinstance(part, _WORDS):
                words = part if isinstance(part, Text) else Text(part.text)
                if words.text or self._own:
                    content.append(self.parts.text(words))
            elif isinstance(part, _OTHERS):
                self._message(turn, content)
                content = []
                self._other(part, turn)
            elif not isinstance(part, Thought):
                content += self.parts.medium(part)
        if turn.role == "user" and not (content or self._own or any(isinstance(p, _OTHERS) for p in turn.parts)):
            # Without it the model would answer an earlier turn.
            content = [{"type": "input_text", "text": EMPTY}]
        self._message(turn, content)

    def _message(self, turn: Turn, content: list[dict[str, Any]]) -> None:
        if not content and not (self._own and not turn.parts):
            return
        role = "user" if turn.role == "tool" else turn.role
        if role == "developer" and not self._target.abilities.developer_role:
            role = "system"
        first = content[0] if content else {}
        plain = len(content) == 1 and first.keys() == {"type", "text"} and (turn.plain or not self._own)
        self._items.append(
            self._named({"type": "message", "role": role, "content": first["text"] if plain else content}, turn)
        )

    def _named(self, item: dict[str, Any], turn: Turn) -> dict[str, Any]:
        if self._own and turn.id and turn.id != BARE_INPUT:
            item["id"] = turn.id
        if turn.phase:
            item["phase"] = turn.phase
        return item

    def _assistant(self, turn: Turn) -> None:
        words: list[Text | Refused] = []
        for part in turn.parts:
            if isinstance(part, _WORDS):
                words.append(part)
                continue
            self._spoken(turn, words)
            words = []
            self._other(part, turn)
        if words or not turn.parts:
            self._spoken(turn, words)

    def _spoken(self, turn: Turn, words: list[Text | Refused]) -> None:
        """What the model said. Of another dialect it goes without ids, as plain texts: only so is it no item of the
        provider's own, which would need the provider's ids."""
        if self._own:
            if turn.plain and len(words) == 1:
                self._items.append(
                    self._named({"type": "message", "role": "assistant", "content": words[0].text}, turn)
                )
            elif words or not turn.parts:
                content = [
                    output_text(one) if isinstance(one, Text) else {"type": "refusal", "refusal": one.text}
                    for one in words
                ]
                item = self._named({"type": "message", "role": "assistant", "content": content}, turn)
                if "id" in item:
                    item["status"] = "completed"
                self._items.append(item)
            return
        for one in words:
            if isinstance(one, Text):
                self.parts.forget(one.cache)
                if one.citations:
                    self._losses.drop(f"{self._path}.citations")
            if one.text:
                self._items.append({"type": "message", "role": "assistant", "content": one.text})

    def _other(self, part: Part, turn: Turn) -> None:
        match part:
            case ToolCall():
                self._call(part)
            case ToolResult():
                self._result(part, turn)
            case Thought():
                self._thought(part)
            case Opaque():
                if part.dialect == DIALECT:
                    self._items.append(msgspec.Raw(part.raw.encode()))
                else:
                    self._losses.opaque(part)
            case Text() | Refused():
                self._spoken(turn, [part])
            case _:
                # The model's own pictures: it may say none itself, so they are shown to it.
                content = self.parts.medium(part)
                self._items.append({"type": "message", "role": "user", "content": content})

    def _call(self, call: ToolCall) -> None:
        self.parts.forget(call.cache)
        namespace, name = self._names.get(call.name, ("", call.name))
        made = {"id": call.item_id} if self._own and call.item_id else {}
        made["call_id"] = self._call_id(call.id)
        if namespace:
            made["namespace"] = namespace
        if call.custom and self._target.abilities.custom_tools:
            self._custom_calls.add(call.id)
            self._items.append({"type": "custom_tool_call", **made, "name": name, "input": call.arguments})
            return
        arguments = _encode({"input": call.arguments}).decode() if call.custom else call.arguments
        if not arguments and not self._own:
            arguments = "{}"
        self._items.append({"type": "function_call", **made, "name": name, "arguments": arguments})

    def _result(self, result: ToolResult, turn: Turn) -> None:
        self.parts.forget(result.cache)
        parts = list(result.parts)
        if result.is_error:
            text = parts[0].text if parts and isinstance(parts[0], Text) else ""
            parts[: 1 if text else 0] = [Text(f"Error: {text}".rstrip())]
        output: Any = [
            made
            for part in parts
            for made in ([self.parts.text(part)] if isinstance(part, Text) else self.parts.medium(part))
        ]
        if not output or (len(output) == 1 and output[0].keys() == {"type", "text"}):
            output = output[0]["text"] if output else ""
        custom = result.call_id in self._custom_calls or (result.custom and self._own)
        item = {"type": "custom_tool_call_output" if custom else "function_call_output"}
        if self._own and turn.id:
            item["id"] = turn.id
        item |= {"call_id": self._call_id(result.call_id), "output": output}
        if self._own and result.name:
            item["name"] = result.name
        self._items.append(item)

    def _thought(self, thought: Thought) -> None:
        """Reasoning that this lane can take: sealed by its family, or its own dialect's, or where the lane wants it."""
        if thought.sealed is not None and thought.sealed.family != self._target.family:
            return
        echoed = bool(self._target.abilities.echo_reasoning) and bool(thought.text or thought.summaries)
        if thought.sealed is None and not self._own and not echoed:
            return
        item: dict[str, Any] = {"type": "reasoning"}
        if self._own and thought.id:
            # Sealed reasoning is tied to its id: a made-up one is refused, none is taken
            # (BerriAI/litellm pull request 15782, 2025-10).
            item["id"] = thought.id
        elif thought.sealed is None and not self._own:
            item["id"] = "rs_" + hashlib.sha256(thought.text.encode("utf-8", "surrogatepass")).hexdigest()[:32]
        item["summary"] = [{"type": "summary_text", "text": text} for text in thought.summaries]
        if thought.text:
            kind = "content" if self._own or thought.sealed is None else "summary"
            text_type = "reasoning_text" if kind == "content" else "summary_text"
            item[kind] = [*item.get(kind, ()), {"type": text_type, "text": thought.text}]
        if thought.sealed is not None:
            item["encrypted_content"] = thought.sealed.data
        self._items.append(item)

    def _call_id(self, given: str) -> str:
        return given if self._own else tool_id(given, "call_")
