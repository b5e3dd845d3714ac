"""Questions and lanes for tests of Converse, and AWS's event stream written independently of the code."""

import json
import struct
import zlib
from typing import Any

import msgspec

from fastgw.protocols.converse.dialect import DIALECT
from fastgw.protocols.hub.conversation import Conversation, Part, Role, Text, Turn
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Abilities, Target
from tests.protocols.converse.shapes import assert_shape

CLAUDE = Abilities(
    mid_system=False, sampling=True, temperature_max=1.0, temperature_and_top_p=False, parallel_flag=False,
    tool_images=True, custom_tools=False, image_url=False, audio_input=False, reasoning="budget",
    efforts=("low", "medium", "high", "xhigh", "max"), cache_control=True,
)  # fmt: skip


def lane(family: str = "anthropic", **abilities: Any) -> Target:
    """A lane to Claude that differs in these abilities."""
    return Target("m", "converse", "bedrock", family, msgspec.structs.replace(CLAUDE, **abilities))


def said(role: Role, *parts: Part | str, **more: Any) -> Turn:
    return Turn(role, tuple(Text(part) if isinstance(part, str) else part for part in parts), **more)


def asked(*turns: Turn, origin: str = "chat", **more: Any) -> Conversation:
    """A question, `hello` if no turn is given."""
    return Conversation(origin=origin, turns=turns or (said("user", "hello"),), **more)


def sent(conversation: Conversation, target: Target | None = None) -> tuple[dict[str, Any], tuple[str, ...]]:
    """The body for Bedrock, which its description allows, and what is lost."""
    losses = Losses()
    body = DIALECT.encode_request(conversation, target or lane(), losses)
    assert body == DIALECT.encode_request(conversation, target or lane(), Losses()), "the same bytes each time"
    decoded: dict[str, Any] = json.loads(body)
    # The path names the model.
    assert_shape(decoded | {"modelId": "m"}, "ConverseRequest")
    return decoded, losses.paths


def frame(payload: Any, **headers: str) -> bytes:
    """One message of an event stream; `event_type="x"` is the header `:event-type`."""
    head = b""
    for name, value in headers.items():
        key, text = f":{name.replace('_', '-')}".encode(), value.encode()
        head += struct.pack("B", len(key)) + key + b"\x07" + struct.pack(">H", len(text)) + text
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    prelude = struct.pack(">II", 16 + len(head) + len(body), len(head))
    message = prelude + struct.pack(">I", zlib.crc32(prelude)) + head + body
    return message + struct.pack(">I", zlib.crc32(message))


def event(kind: str, payload: dict[str, Any]) -> bytes:
    """An event that AWS's description allows."""
    assert_shape({kind: payload}, "ConverseStreamOutput")
    return frame(payload | {"p": "abcdefgh"}, event_type=kind, content_type="application/json", message_type="event")


def delta(index: int, **what: Any) -> bytes:
    return event("contentBlockDelta", {"contentBlockIndex": index, "delta": what})


def stop(index: int) -> bytes:
    return event("contentBlockStop", {"contentBlockIndex": index})


def ended(reason: str = "end_turn") -> bytes:
    return event("messageStop", {"stopReason": reason})
