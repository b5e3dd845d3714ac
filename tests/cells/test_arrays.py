"""Gemini's streams without `alt=sse`: one JSON array, well-formed also when the provider fails."""

import json
import threading

import pytest

from tests.cells.callers import CALLERS, gemini
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import Question
from tests.cells.scenarios import CET, PARIS, TEXT
from tests.fakes import Scene
from tests.fakes.scene import Say

pytestmark = [pytest.mark.asyncio(loop_scope="package"), pytest.mark.parametrize("provider", list(CALLERS))]

QUESTION = Question("Weather and time?", tools=("weather", "time"))


def path(provider: str) -> str:
    return f"/v1beta/models/{provider}/{MODELS[provider]}:streamGenerateContent"


async def test_a_whole_one(ground: Ground, provider: str) -> None:
    ground.provider.always(Scene((Say(TEXT), PARIS, CET), "tools"))
    got = await ground.ask("gemini", path(provider), gemini.body(QUESTION, "", stream=True))
    assert got.status == 200
    assert got.headers["content-type"].startswith("application/json")
    chunks = json.loads(got.body)
    assert len(chunks) > 3
    heard = gemini.gathered(chunks)
    assert (heard.text, heard.stop) == (TEXT, "STOP")
    assert [call[1] for call in heard.calls] == ["weather", "time"]
    assert heard.usage["given"] == 7


@pytest.mark.parametrize("fails", ["error", "cut"])
async def test_a_failing_one(ground: Ground, provider: str, fails: str) -> None:
    gate = threading.Event()
    ground.provider.always(Scene(fails="error" if fails == "error" else "cut", gate=gate))
    got = await ground.ask("gemini", path(provider), gemini.body(Question(), "", stream=True), gate=gate)
    assert got.status == 200
    chunks = json.loads(got.body)
    assert [("error" in chunk) for chunk in chunks] == [*[False] * (len(chunks) - 1), True]
    heard = gemini.gathered(chunks)
    assert heard.text
    assert not heard.stop
