"""Values of the wrong type, anywhere: a caller's cost a 400, a provider's the answer, and neither more than that."""

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.hub.dialect import FromPath, Setting, StreamBroken, Unusable
from fastgw.protocols.hub.events import Failed, Kind
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sequence import Sequence, ordered
from fastgw.protocols.responses.dialect import DIALECT
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens
from tests.fakes.speech import responses as fake
from tests.protocols.responses.kit import OWN, answer, block, fields, lane, read_frames, setting
from tests.protocols.responses.questions import requests

JUNK: list[Any] = [None, True, -1, "x", [], {}, [5], [{}], {"type": "x"}, {"type": "function", "name": "f", "tools": 5}]
SCENE = Scene((Think("Hm.", "E"), Say("Hi."), Refuse("No."), Call("f", "{}", "call_1")), tokens=Tokens(9, said=4))
EVENTS: list[dict[str, Any]] = [msgspec.json.decode(frame.split(b"data: ")[1]) for frame in fake.frames(SCENE, {})]


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Paths of all that is in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [*([path] if path else []), *(found for key, one in inner for found in places(one, (*path, key)))]


def put(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    """The same value with something else at a path."""
    if not path:
        return new
    if isinstance(value, dict):
        return {key: put(one, path[1:], new) if key == path[0] else one for key, one in value.items()}
    return [put(one, path[1:], new) if number == path[0] else one for number, one in enumerate(value)]


@settings(max_examples=80, deadline=None)
@given(requests, st.data(), st.sampled_from(JUNK))
def test_a_callers_mistake_is_a_400(request: dict[str, Any], data: st.DataObject, junk: Any) -> None:
    given = fields(**put(request, data.draw(st.sampled_from(places(request))), junk))
    try:
        conversation = DIALECT.decode_request(given, FromPath(), Losses())
    except GatewayError as error:
        assert error.status == 400
        return
    other = msgspec.structs.replace(conversation, origin="chat")
    for question, target in ((conversation, OWN), (other, lane(custom_tools=False, web_search="tool", cache_key=True))):
        try:
            DIALECT.encode_request(question, target, Losses())
        except GatewayError as error:
            assert error.status == 400
    writer = DIALECT.writer(Setting("x1", "m", 1, conversation, given, "openai"))
    read_frames(writer.write(answer(block(0, Kind.TEXT, "a"))) + writer.end())


@settings(max_examples=80, deadline=None)
@given(st.data(), st.integers(min_value=0, max_value=len(EVENTS) - 1), st.sampled_from(JUNK), st.booleans())
def test_a_providers_mistake_is_a_broken_stream_at_most(data: st.DataObject, at: int, junk: Any, mixed: bool) -> None:
    bad = put(EVENTS[at], data.draw(st.sampled_from(places(EVENTS[at]))), junk)
    events = [*EVENTS[:at], bad, *EVENTS[at + 1 :]]
    if mixed:
        events = data.draw(st.permutations(events))
    stream = b"".join(b"data: " + msgspec.json.encode(event) + b"\n\n" for event in events)
    try:
        reader, sequence, writer = DIALECT.reader(lane()), Sequence(), DIALECT.writer(setting())
        read = [*sequence.order([*reader.feed(stream), *reader.end()]), *sequence.end()]
        read_frames(writer.write([event for event in read if not isinstance(event, Failed)]) + writer.end())
    except StreamBroken:
        pass
    tap = DIALECT.tap(hide_usage=False)
    passed = tap.feed(stream) + tap.rest()
    assert stream.startswith(passed)
    assert tap.fail(GatewayError(ErrorKind.UPSTREAM_CUT, "x"), "x1").endswith(b"\n\n")


@settings(max_examples=60, deadline=None)
@given(st.data(), st.sampled_from(JUNK))
def test_a_whole_answer_that_makes_no_sense_is_unusable(data: st.DataObject, junk: Any) -> None:
    whole = fake.unary(SCENE)
    body = msgspec.json.encode(put(whole, data.draw(st.sampled_from(places(whole))), junk))
    DIALECT.read_answer(body)
    try:
        events = ordered(DIALECT.decode_answer(body, lane()))
    except Unusable:
        return
    DIALECT.encode_answer([event for event in events if not isinstance(event, Failed)], setting())
