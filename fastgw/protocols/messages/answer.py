"""A whole answer for a caller of Messages."""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import Event, Kind
from fastgw.protocols.hub.gather import Block, gather
from fastgw.protocols.hub.sealed import tagged
from fastgw.protocols.messages.citations import wire_citation
from fastgw.protocols.messages.seals import FAMILY, carried
from fastgw.protocols.messages.wire_answer import MEDIA, OPAQUE_TYPES, call_id, ending, message_id, note_of, usage_of

_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_BYTES_PER_TOKEN = 4


def encode_answer(events: Iterable[Event], setting: Setting) -> bytes:
    """The message object; of several choices the first."""
    answer = gather(events)
    blocks = answer.of(0)
    content: list[dict[str, Any]] = []
    for block in blocks:
        content += _blocks(block, setting, len(content))
    refused = any([block.kind is Kind.REFUSAL and block.text for block in blocks])
    text_bytes = 0
    if answer.usage is None:
        text_bytes = sum(len(block.text.encode("utf-8", "replace")) for block in blocks if block.kind not in MEDIA)
    usage = usage_of(answer.usage, setting, -(-text_bytes // _BYTES_PER_TOKEN))
    return _encode(
        {
            "id": message_id(setting),
            "type": "message",
            "role": "assistant",
            "model": setting.model,
            "content": content,
            **ending(answer.finish(0), setting, refused=refused),
            "usage": usage,
        }
    )


def _blocks(block: Block, setting: Setting, number: int) -> list[dict[str, Any]]:
    """The blocks for one of the hub's: a seal that this dialect has no field for goes ahead in one of its own."""
    if block.kind is Kind.REASONING:
        if not block.text and block.sealed is None:
            return []
        signature = tagged(block.sealed, FAMILY) if block.sealed else ""
        return [{"type": "thinking", "thinking": block.text, "signature": signature}]
    if block.kind is Kind.REDACTED:
        return [{"type": "redacted_thinking", "data": tagged(block.sealed, FAMILY)}] if block.sealed else []
    if block.kind is Kind.OPAQUE:
        return [dict(_fields.decode(block.text))] if block.name in OPAQUE_TYPES else []
    made: list[dict[str, Any]] = []
    if block.sealed is not None:
        made.append({"type": "redacted_thinking", "data": carried(block.sealed, ahead=True)})
    if block.kind in (Kind.TOOL_CALL, Kind.CUSTOM_CALL):
        name = call_id(block.id, setting, number + len(made))
        made.append({"type": "tool_use", "id": name, "name": block.name, "input": _input(block)})
    elif block.kind in MEDIA:
        made.append({"type": "text", "text": note_of(block.kind, block.media_type)})
    elif block.text:
        made.append(_text(block))
    return made


def _text(block: Block) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "text", "text": block.text}
    cites = [wire for citation in block.citations if (wire := wire_citation(citation)) is not None]
    if cites:
        made["citations"] = cites
    return made


def _input(block: Block) -> Any:
    """The arguments: the object as the model wrote it; what is none is wrapped."""
    if block.kind is Kind.CUSTOM_CALL:
        return {"input": block.text}
    if not block.text.strip():
        return {}
    try:
        _fields.decode(block.text)
    except (msgspec.MsgspecError, RecursionError):
        return {"_raw": block.text}
    return msgspec.Raw(block.text.encode())
