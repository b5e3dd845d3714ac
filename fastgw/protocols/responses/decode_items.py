"""The `input` of a request as turns of a conversation: each item is one turn, in its place."""

import msgspec

from fastgw.protocols import strict, toplevel
from fastgw.protocols.hub.conversation import Opaque, Part, Role, Text, Thought, ToolCall, ToolResult, Turn
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.responses import seals, wire
from fastgw.protocols.responses.decode_parts import content_parts, result_parts
from fastgw.protocols.responses.namespaces import flat
from fastgw.protocols.responses.peek import FAMILY

DIALECT = "responses"
_FROM_USER = ("_output", "_response", "compaction_trigger")
"""How types of items end that a caller adds, not the model."""


class _Head(msgspec.Struct):
    type: str | None = None
    role: str | None = None


_MESSAGES = (b'{"role":', b'{"type":"message"')
"""Beginnings of what is a message, as most clients write them."""
_MESSAGE_TYPES = (None, "message")

_input = msgspec.json.Decoder(str | list[msgspec.Raw])
_head = msgspec.json.Decoder(_Head)
_message = msgspec.json.Decoder(wire.Message)
_function_call = msgspec.json.Decoder(wire.FunctionCall)
_custom_call = msgspec.json.Decoder(wire.CustomCall)
_output = msgspec.json.Decoder(wire.CallOutput)
_reasoning = msgspec.json.Decoder(wire.Reasoning)


def turns_of(raw: msgspec.Raw, losses: Losses) -> list[Turn]:
    """All turns. Raises `GatewayError` (400) for an item of a known type that is no such item."""
    given: str | list[msgspec.Raw] = toplevel.typed(_input, raw, "input")
    if isinstance(given, str):
        return [Turn("user", (Text(given),), plain=True, id=seals.BARE_INPUT)]
    turns: list[Turn] = []
    for number, item in enumerate(given):
        path = f"input[{number}]"
        message = _plain_message(item)
        if message is not None:
            turns.append(_message_turn(message, path, losses))
            continue
        turn = _turn(item, path, losses)
        part = turn.parts[0] if turn.parts else None
        if isinstance(part, Thought) and part.sealed is not None and part.sealed.family in seals.CARRIERS:
            _attach(part.sealed, turns)
        else:
            turns.append(turn)
    return turns


def _plain_message(raw: msgspec.Raw) -> wire.Message | None:
    """A message of which everything is known; None for anything else."""
    data = bytes(raw)
    if not data.startswith(_MESSAGES):
        return None
    try:
        message = _message.decode(data)
    except msgspec.MsgspecError:
        return None
    return message if message.type in _MESSAGE_TYPES else None


def _turn(raw: msgspec.Raw, path: str, losses: Losses) -> Turn:
    head: _Head = toplevel.typed(_head, raw, path)
    match head.type:
        case None | "message" if head.role is not None:
            return _message_turn(strict.decode(_message, raw, path, losses), path, losses)
        case "function_call":
            call = strict.decode(_function_call, raw, path, losses)
            name = flat(call.namespace, call.name)
            return _assistant(ToolCall(call.call_id, name, call.arguments, item_id=call.id or ""))
        case "custom_tool_call":
            custom = strict.decode(_custom_call, raw, path, losses)
            name = flat(custom.namespace, custom.name)
            return _assistant(ToolCall(custom.call_id, name, custom.input, custom=True, item_id=custom.id or ""))
        case "function_call_output" | "custom_tool_call_output":
            return _result_turn(strict.decode(_output, raw, path, losses), path, losses)
        case "reasoning":
            return _assistant(_thought(strict.decode(_reasoning, raw, path, losses)))
        case kind:
            kind = kind or "item_reference"
            role: Role = "user" if kind.endswith(_FROM_USER) else "assistant"
            return Turn(role, (Opaque(DIALECT, kind, bytes(raw).decode(), path),))


def _assistant(part: Part) -> Turn:
    return Turn("assistant", (part,))


def _message_turn(message: wire.Message, path: str, losses: Losses) -> Turn:
    plain = isinstance(message.content, str)
    parts = content_parts(message.content, f"{path}.content", losses)
    return Turn(message.role, parts, id=message.id or "", plain=plain, phase=message.phase or "")


def _result_turn(output: wire.CallOutput, path: str, losses: Losses) -> Turn:
    result = ToolResult(
        output.call_id,
        result_parts(output.output, f"{path}.output", losses),
        name=output.name or "",
        custom=output.type == "custom_tool_call_output",
    )
    return Turn("tool", (result,), id=output.id or "")


def _thought(item: wire.Reasoning) -> Thought:
    sealed, redacted, whole = seals.opened(item.encrypted_content, FAMILY)
    text = "".join(words.text for words in item.content or ())
    summaries = tuple(words.text for words in item.summary)
    if whole:
        text, summaries = "".join(summaries) + text, ()
    return Thought(text, sealed, redacted=redacted, id=item.id or "", summaries=summaries)


def _attach(carrier: Sealed, turns: list[Turn]) -> None:
    """Give a call or a text the seal that came in an item of its own; a seal of nothing is left out."""
    call_id, seal = seals.carried(carrier)
    for at in range(len(turns) - 1, -1, -1):
        parts = turns[at].parts
        if turns[at].role != "assistant" or not parts:
            continue
        last = parts[-1]
        if (isinstance(last, ToolCall) and call_id and last.id == call_id) or (isinstance(last, Text) and not call_id):
            sealed = msgspec.structs.replace(last, sealed=seal)
            turns[at] = msgspec.structs.replace(turns[at], parts=(*parts[:-1], sealed))
            return
