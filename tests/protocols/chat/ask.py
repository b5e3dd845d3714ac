"""What the tests of chat share: bodies, conversations of other dialects, lanes, settings, streams."""

from typing import Any

import msgspec

from fastgw.protocols.chat.dialect import DIALECT
from fastgw.protocols.hub.conversation import Conversation, Part, Role, Text, Turn
from fastgw.protocols.hub.dialect import FromPath, Setting
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sequence import Sequence, ordered
from fastgw.protocols.hub.target import Abilities, Target
from fastgw.protocols.sse import payloads
from tests.protocols.chat.schema import check

VENDORS = ("thinking", "enable_thinking", "thinking_budget", "random_seed", "top_k")
"""Fields that OpenAI does not have."""
HI: tuple[Turn, ...] = (Turn("user", (Text("hi"),), plain=True),)


def fields(**body: Any) -> dict[str, msgspec.Raw]:
    """A request's top level."""
    full = {"model": "m", "messages": [{"role": "user", "content": "hi"}], **body}
    return {name: msgspec.Raw(msgspec.json.encode(value)) for name, value in full.items()}


def decoded(**body: Any) -> tuple[Conversation, tuple[str, ...]]:
    """A request in the hub, and its losses."""
    losses = Losses()
    return DIALECT.decode_request(fields(**body), FromPath(), losses), losses.paths


def lane(**abilities: Any) -> Target:
    """A lane with these abilities."""
    family = abilities.pop("family", "openai")
    return Target(model="up", dialect="chat", family=family, abilities=Abilities(**abilities))


def sent(conversation: Conversation, target: Target) -> tuple[dict[str, Any], tuple[str, ...]]:
    """What the provider gets, and the losses."""
    losses = Losses()
    body = msgspec.json.decode(DIALECT.encode_request(conversation, target, losses))
    if conversation.origin != "chat" and target.abilities.model_in_body and not target.abilities.tool_images:
        # What other dialects' callers ask is sent in OpenAI's own words, but for what a vendor is known to want.
        shown = {name: value for name, value in body.items() if name not in VENDORS}
        if not target.abilities.video_input:
            check(shown, "CreateChatCompletionRequest")
    return body, losses.paths


def asked(*turns: Turn, origin: str = "messages", **more: Any) -> Conversation:
    """A question of another dialect."""
    return Conversation(origin=origin, turns=turns or HI, **more)


def turn(role: Role, *parts: Part, **more: Any) -> Turn:
    """One turn."""
    return Turn(role, parts, **more)


def setting(conversation: Conversation | None = None, **more: Any) -> Setting:
    """Of an answer."""
    given: dict[str, Any] = {"exchange_id": "ex1", "model": "alias", "created_s": 1_800_000_000, "fields": {},
                             "family": "anthropic", **more}  # fmt: skip
    return Setting(conversation=conversation or asked(origin="chat"), **given)


def event(value: Any) -> bytes:
    """One event of a stream."""
    return b"data: " + msgspec.json.encode(value) + b"\n\n"


def chunk(index: int = 0, finish: str | None = None, **delta: Any) -> bytes:
    """One chunk of one choice."""
    return event({"id": "c", "choices": [{"index": index, "delta": delta, "finish_reason": finish}]})


DONE = b"data: [DONE]\n\n"


def read(stream: bytes, target: Target | None = None) -> list[Event]:
    """The well-formed events of a whole stream."""
    reader = DIALECT.reader(target or lane())
    return ordered([*reader.feed(stream), *reader.end()])


def relayed(pieces: list[bytes], target: Target, setup: Setting) -> bytes:
    """What a chat caller gets of a chat provider's stream that comes in these pieces."""
    reader, sequence, writer = DIALECT.reader(target), Sequence(), DIALECT.writer(setup)
    said = [writer.write(sequence.order(reader.feed(piece))) for piece in pieces]
    rest = [] if reader.done else sequence.order(reader.end())
    return b"".join([*said, writer.write(rest), writer.write(sequence.end()), writer.end()])


def chunks(data: bytes) -> list[dict[str, Any]]:
    """The chunks of a stream that ends with its mark."""
    *found, last = payloads(data)
    assert last == b"[DONE]"
    return [msgspec.json.decode(one) for one in found]


def deltas(found: list[dict[str, Any]], index: int = 0) -> list[dict[str, Any]]:
    """The deltas of one choice."""
    return [choice["delta"] for one in found for choice in one["choices"] if choice["index"] == index]


def joined(found: list[dict[str, Any]], field: str, index: int = 0) -> str:
    """One text field of all deltas."""
    return "".join(delta.get(field) or "" for delta in deltas(found, index))
