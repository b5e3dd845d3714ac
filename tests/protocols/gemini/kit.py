"""What the tests of this room share: a request through the hub, an answer through it, and the SDK's own types."""

from collections.abc import Iterable
from functools import cache
from typing import Any

import msgspec
from google.genai import types
from pydantic import BaseModel

from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Fields, Framing, FromPath, Setting
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.hub.target import SAME, Target
from fastgw.protocols.sse import payloads

USER = [{"role": "user", "parts": [{"text": "hi"}]}]
TARGET = Target(model="gemini-x", dialect="gemini", family="gemini")
SAME_TARGET = msgspec.structs.replace(SAME, model="gemini-x", dialect="gemini", family="gemini")
ASKED = Conversation(origin="chat", turns=())

Json = Any


def fields_of(body: Json) -> Fields:
    return msgspec.json.decode(body if isinstance(body, bytes) else msgspec.json.encode(body), type=Fields)


def able(target: Target = TARGET, **abilities: Any) -> Target:
    return msgspec.structs.replace(target, abilities=msgspec.structs.replace(target.abilities, **abilities))


def asked(body: Json, losses: Losses | None = None) -> Conversation:
    return DIALECT.decode_request(fields_of(body), FromPath("m", stream=True), Losses() if losses is None else losses)


def sent(conversation: Conversation, target: Target = TARGET, losses: Losses | None = None) -> Json:
    return msgspec.json.decode(DIALECT.encode_request(conversation, target, Losses() if losses is None else losses))


def setting(framing: Framing = "sse", model: str = "my-model") -> Setting:
    return Setting("ex-1", model, 1_700_000_000, ASKED, {}, "anthropic", framing=framing, stream=True)


def whole(events: Iterable[Event]) -> Json:
    return msgspec.json.decode(DIALECT.encode_answer(ordered(list(events)), setting()))


def streamed(events: Iterable[Event]) -> list[Json]:
    writer = DIALECT.writer(setting())
    data = b"".join([writer.write([event]) for event in ordered(list(events))]) + writer.end()
    return [msgspec.json.decode(content) for content in payloads(data)]


def read(*chunks: Json) -> list[Event]:
    """The events of a stream of chunks, well-formed."""
    reader = DIALECT.reader(TARGET)
    events = [*reader.feed(sse(*chunks)), *reader.end()]
    return ordered(events)


def sse(*chunks: Json) -> bytes:
    return b"".join(b"data: " + msgspec.json.encode(chunk) + b"\r\n\r\n" for chunk in chunks)


def candidate(*parts: Json, **more: Json) -> Json:
    return {"candidates": [{"content": {"parts": list(parts), "role": "model"}, **({"index": 0} | more)}]}


@cache
def strict(model: type[BaseModel]) -> type[BaseModel]:
    """A type of the SDK, which forbids unknown fields already; checked here, since everything rests on it."""
    assert model.model_config.get("extra") == "forbid", model
    return model


def valid_answer(body: Json) -> types.GenerateContentResponse:
    """Raises `ValidationError` for a field that the SDK does not know."""
    model = strict(types.GenerateContentResponse)
    answer = model.model_validate_json(msgspec.json.encode(body), strict=False)
    assert isinstance(answer, types.GenerateContentResponse)
    return answer


def valid_request(body: Json) -> None:
    """Every part of a request against the SDK's own type for it. Raises `ValidationError`."""
    known = {"contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "safetySettings",
             "cachedContent", "labels", "serviceTier", "store", "continuationToken"}  # fmt: skip
    assert body.keys() <= known
    for content in (*body["contents"], *([body["systemInstruction"]] if "systemInstruction" in body else ())):
        strict(types.Content).model_validate(content)
    for tool in body.get("tools", ()):
        strict(types.Tool).model_validate(tool)
    strict(types.ToolConfig).model_validate(body.get("toolConfig", {}))
    own = {"imageConfig"}
    config = {key: value for key, value in body.get("generationConfig", {}).items() if key not in own}
    strict(types.GenerationConfig).model_validate(config)
    for each in body.get("safetySettings", ()):
        strict(types.SafetySetting).model_validate(each)
