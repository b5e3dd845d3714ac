"""The counting provider: what it answers is what it counts."""

import httpx
import pytest

from tests.cells.callers import CALLERS
from tests.cells.question import Question
from tests.fakes import FakeProvider
from tests.fakes.meter import CAPPED, Meter, Plan, plan_in

PATHS = {
    "chat": "/v1/chat/completions",
    "responses": "/v1/responses",
    "messages": "/v1/messages",
    "gemini": "/v1beta/models/fake-1:generateContent",
}


def test_a_question_says_its_plan() -> None:
    plan = Plan(id="x1", said=CAPPED, read=5, gate="late")
    assert plan_in(b'{"content": "' + plan.words().encode() + b'"}') == plan
    assert plan_in(b"nothing") == Plan()


@pytest.mark.parametrize("caller", PATHS)
def test_the_cap_is_kept_and_counted(caller: str) -> None:
    meter = Meter()
    with FakeProvider() as provider:
        provider.default = meter.answer
        plan = Plan(id="x2", text=5, read=3, thought=4, said=CAPPED)
        body = CALLERS[caller].body(Question(text=plan.words(), cap=20), "fake-1", stream=False)
        url = f"http://127.0.0.1:{provider.port}{PATHS[caller]}"
        told = httpx.post(url, json=body).json()
    (served,) = meter.of("x2")
    assert (served.dialect, served.cap, served.model, served.stream) == (caller, 20, "fake-1", False)
    assert served.tokens is not None
    assert (served.tokens.taken, served.tokens.given) == (8, 20)
    counts = told.get("usage") or told["usageMetadata"]
    assert 20 in counts.values() or counts["candidatesTokenCount"] + counts["thoughtsTokenCount"] == 20
    assert served.whole


def test_usage_can_be_left_out_and_a_stream_cut() -> None:
    meter = Meter()
    with FakeProvider() as provider:
        provider.default = meter.answer
        url = f"http://127.0.0.1:{provider.port}{PATHS['messages']}"
        body = CALLERS["messages"].body(Question(text=Plan(mute=1).words()), "fake-1", stream=True)
        assert "usage" not in httpx.post(url, json=body).text
        body = CALLERS["messages"].body(Question(text=Plan(cut=4).words()), "fake-1", stream=True)
        with pytest.raises(httpx.TransportError):
            httpx.post(url, json=body)
