"""Questions, answers and streams for the tests of this dialect."""

from collections.abc import Iterable
from typing import Any

import msgspec
from openai._types import omit
from openai.lib.streaming.responses._responses import ResponseStreamState
from openai.types.responses import Response, ResponseStreamEvent
from pydantic import TypeAdapter

from fastgw.protocols.hub.conversation import Conversation, Part, Text, Turn
from fastgw.protocols.hub.dialect import Fields, FromPath, Setting
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Finish, Kind, Start, StopReason
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import SAME, Abilities, Target
from fastgw.protocols.responses.dialect import DIALECT
from fastgw.protocols.sse import payloads
from tests.conformance import spec

OWN = msgspec.structs.replace(SAME, model="m", dialect="responses", family="openai")
_event: TypeAdapter[Any] = TypeAdapter(ResponseStreamEvent)


def fields(**given: Any) -> Fields:
    """The top level of a request."""
    body = {"model": "m", "input": "Hello"} | given
    return msgspec.json.decode(msgspec.json.encode(body), type=Fields)


def decoded(**given: Any) -> tuple[Conversation, tuple[str, ...]]:
    """A request as a conversation, and its losses."""
    losses = Losses()
    return DIALECT.decode_request(fields(**given), FromPath(), losses), losses.paths


def parts(*items: Any, **given: Any) -> tuple[Part, ...]:
    """The parts of all turns of a request with these items."""
    return tuple(part for turn in decoded(input=list(items), **given)[0].turns for part in turn.parts)


def asked(*turns: Turn, origin: str = "chat", **more: Any) -> Conversation:
    """A question of another dialect."""
    return Conversation(origin, turns or (Turn("user", (Text("Hello"),)),), **more)


def lane(**abilities: Any) -> Target:
    """A lane of OpenAI's."""
    return Target("gpt", "responses", family="openai", abilities=Abilities(**abilities))


def encoded(conversation: Conversation, target: Target | None = None, **abilities: Any) -> dict[str, Any]:
    """The request for a provider, losses under the key `losses`."""
    losses = Losses()
    body = DIALECT.encode_request(conversation, target or lane(**abilities), losses)
    made: dict[str, Any] = msgspec.json.decode(body)
    return made | {"losses": losses.paths}


def setting(**given: Any) -> Setting:
    """What an answer knows of its question."""
    body = fields(**given)
    conversation = DIALECT.decode_request(body, FromPath(), Losses())
    return Setting("x1", "m", 1_800_000_000, conversation, body, "openai")


def block(at: int, kind: Kind, *words: str, id: str = "", name: str = "") -> list[Event]:
    """A whole block."""
    return [BlockStart(at, kind, id, name), *(Delta(at, text) for text in words), BlockEnd(at)]


def answer(*blocks: Iterable[Event], stop: StopReason = StopReason.END) -> list[Event]:
    """A whole answer."""
    return [Start(), *(event for one in blocks for event in one), Finish(stop)]


def read_frames(data: bytes) -> list[dict[str, Any]]:
    """The events of a stream; each one's name is its type, and their numbers are dense from 0."""
    events: list[dict[str, Any]] = [msgspec.json.decode(content) for content in payloads(data)]
    names = [line[7:] for line in data.decode().split("\n") if line.startswith("event: ")]
    assert names == [event["type"] for event in events]
    assert [event["sequence_number"] for event in events] == list(range(len(events)))
    return events


def streamed(events: Iterable[Event], **given: Any) -> list[dict[str, Any]]:
    """The stream that a caller gets for the events of an answer."""
    writer = DIALECT.writer(setting(**given))
    said = b"".join(writer.write([event]) for event in events)
    return read_frames(said + writer.end())


def whole(events: Iterable[Event], **given: Any) -> dict[str, Any]:
    """The unary answer that a caller gets; OpenAI's description has nothing against it."""
    made: dict[str, Any] = msgspec.json.decode(DIALECT.encode_answer(events, setting(**given)))
    spec.assert_valid(made, "Response")
    return made


def gathered(events: list[dict[str, Any]]) -> Response:
    """What the official SDK makes of a stream: each event has the type that it says, and all of them add up."""
    state: ResponseStreamState[Any] = ResponseStreamState(input_tools=omit, text_format=omit)
    made: Any = None
    for event in events:
        for one in state.handle_event(_event.validate_python(event)):
            if one.type in {"response.completed", "response.incomplete", "response.failed"}:
                made = one.response
    assert made is not None
    return made  # type: ignore[no-any-return]


def validated(events: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The same events, after OpenAI's description has had nothing against any; of equal ones in a row one is shown."""
    shown: Any = None
    for event in events:
        shape = (event["type"].replace("in_progress", "created"), event.get("item"), event.get("part"))
        if shape != shown:
            spec.assert_event(event)
        shown = shape
    return events


def told(value: Any) -> Any:
    """What the SDK read, without the fields that it adds itself."""
    if isinstance(value, list):
        return [told(one) for one in value]
    if not isinstance(value, dict):
        return value
    return {name: told(one) for name, one in value.items() if name not in {"parsed", "parsed_arguments"}}
