"""A whole answer of a provider: as events, and looked at before it passes untouched."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.hub.dialect import Unusable
from fastgw.protocols.hub.events import Failed, Finish, Kind, Start, StopReason
from fastgw.protocols.hub.gather import gather
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.responses import read
from fastgw.usage import Usage
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens
from tests.fakes.speech import responses as fake
from tests.protocols.responses.kit import lane

SCENE = Scene(
    (Think("Hm.", "E"), Say("Hi."), Call("f", '{"b": 1, "a": 2}', "call_1")), tokens=Tokens(5, 2, said=4, thought=1)
)
BODY: dict[str, Any] = fake.unary(SCENE)


def body(**more: Any) -> bytes:
    return msgspec.json.encode(BODY | more)


def test_an_answer() -> None:
    found = gather(ordered(read.decode_answer(body(), lane())))
    assert [(one.kind, one.text) for one in found.blocks] == [
        (Kind.REASONING, "Hm."), (Kind.TEXT, "Hi."), (Kind.TOOL_CALL, '{"b": 1, "a": 2}'),
    ]  # fmt: skip
    assert found.blocks[0].seals == [Sealed("openai", "E")]
    assert (found.id, found.model, found.created_s) == ("resp_PROVIDER", "provider-model", 1_767_225_600)
    assert (found.finish().reason, found.usage) == (
        StopReason.TOOLS,
        Usage(5, cache_read=2, out_text=4, out_reasoning=1),
    )


@pytest.mark.parametrize(
    ("scene", "reason"),
    [
        (Scene((Say("a"),)), StopReason.END),
        (Scene((Say("a"),), "length"), StopReason.LENGTH),
        (Scene((Refuse("a"),)), StopReason.REFUSAL),
    ],
)
def test_why_it_ended(scene: Scene, reason: StopReason) -> None:
    events = read.decode_answer(msgspec.json.encode(fake.unary(scene)), lane())
    assert events[-1] == Finish(reason)


def test_an_answer_that_failed() -> None:
    events = read.decode_answer(msgspec.json.encode(fake.failed("No https://host.example/x here.")), lane())
    assert events == [
        Start("resp_PROVIDER", "provider-model", 1_767_225_600),
        Failed("No [redacted] here.", "server_error"),
    ]
    assert isinstance(read.decode_answer(body(status="cancelled"), lane())[-1], Failed)
    assert isinstance(read.decode_answer(body(error={"message": "x"}), lane())[-1], Failed)


@pytest.mark.parametrize(
    "wrong",
    [b"<html>", b"[]", b"{}", body(output=None), body(output=5), body(output=[5]), body(status="queued"),
     body(status="in_progress")],
)  # fmt: skip
def test_what_makes_no_sense(wrong: bytes) -> None:
    with pytest.raises(Unusable):
        read.decode_answer(wrong, lane())


@pytest.mark.parametrize(
    ("given", "valid", "error", "used"),
    [
        (body(), True, False, True),
        (body(usage=None), True, False, False),
        (body(output="tomorrow's shape"), True, False, True),
        (body(error={"message": "x"}), False, True, True),
        (body(status="failed"), False, True, True),
        (b'{"error":{"message":"x"}}', False, True, False),
        (b'{"choices":[]}', False, False, False),
        (b"<html>", False, False, False),
        (b"[]", False, False, False),
    ],
)
def test_a_look_at_what_passes_untouched(given: bytes, valid: bool, error: bool, used: bool) -> None:
    reading = read.read_answer(given)
    assert (reading.valid, reading.error, reading.usage is not None) == (valid, error, used)
