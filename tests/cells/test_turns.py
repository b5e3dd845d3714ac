"""16 cells, each with two turns: reasoning with tools, then their results. The seal comes back as it was."""

import json
from itertools import groupby

import pytest

from tests.cells import golden
from tests.cells.asked import ASKED
from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import Asked, Heard, Question
from tests.cells.scenarios import CET, PARIS, SEAL
from tests.cells.test_answers import CELLS, assert_nothing_foreign
from tests.fakes import Scene
from tests.fakes.scene import Say, Think

pytestmark = pytest.mark.asyncio(loop_scope="package")

THOUGHT = "I need the weather and the time."
FIRST = Scene((Think(THOUGHT, SEAL), Say("Let me look."), PARIS, CET), "tools")
LAST = Scene((Say("Sunny, and noon."),))
RESULTS = ["sunny", "12:00"]
QUESTION = Question("Weather and time?", tools=("weather", "time"), cap=8_192, thinks=True)


@pytest.mark.parametrize(("caller", "provider"), CELLS)
async def test_reasoning_comes_back(ground: Ground, caller: str, provider: str) -> None:
    parts = {}
    for stream in (False, True):
        first, last, told = await two_turns(ground, caller, provider, provider, stream=stream)
        parts["stream" if stream else "unary"] = told
        assert first.thoughts == THOUGHT
        assert first.text == "Let me look."
        assert (last.text, last.stop) == ("Sunny, and noon.", CALLERS[caller].STOPS["end"])
        second = ASKED[provider].read(ground.provider.requests[1].json)
        if provider != "chat":
            # Chat has no seals of its own.
            assert second.seals == [SEAL]
        if provider in {"messages", "responses"}:
            assert second.thoughts == [THOUGHT]
        assert_answered(second, provider)
    golden.check(f"{caller}-{provider}", "reasoning_two_turns", parts)


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize(
    ("caller", "provider", "other"),
    [
        (caller, provider, other)
        for caller, provider in CELLS
        for other in CALLERS
        if provider != "chat" and other != provider
    ],
)
async def test_a_seal_goes_to_nobody_else(ground: Ground, caller: str, provider: str, other: str, stream: bool) -> None:
    await two_turns(ground, caller, provider, other, stream=stream)
    seen = ground.provider.requests[1]
    assert SEAL.encode() not in seen.body
    assert b"fgw1." not in seen.body
    if caller != other:
        assert_answered(ASKED[other].read(seen.json), other)


async def two_turns(
    ground: Ground, caller: str, provider: str, other: str, *, stream: bool
) -> tuple[Heard, Heard, str]:
    """Ask `provider`, run its tools, and ask `other` with their results."""
    speaks = CALLERS[caller]
    ground.provider.forget()
    ground.provider.next(FIRST, LAST)
    model = f"{provider}/{MODELS[provider]}"
    asked = speaks.body(QUESTION, model, stream=stream)
    got = await ground.ask(caller, speaks.path(model, stream=stream), asked)
    assert got.status == 200, got.body
    first: Heard = speaks.hear(got, stream=stream)
    told = golden.exchange(ground.provider.requests, got)
    assert first.stop == speaks.STOPS["tools"]
    wanted = [(call.name, json.loads(call.arguments)) for call in (PARIS, CET)]
    assert [(name, arguments) for _, name, arguments in first.calls] == wanted
    next_model = f"{other}/{MODELS[other]}"
    following = speaks.again(asked, first, RESULTS)
    if "model" in following:
        following["model"] = next_model
    answer = await ground.ask(caller, speaks.path(next_model, stream=stream), following)
    assert answer.status == 200, answer.body
    if caller not in {provider, other}:
        assert_nothing_foreign(answer)
    told += golden.stable(golden.exchange(ground.provider.requests[1:], answer), got)
    return first, speaks.hear(answer, stream=stream), told


def assert_answered(second: Asked, provider: str) -> None:
    """Each call has its result, under one id, and what was said stands before the calls."""
    assert [(name, arguments) for _, name, arguments in second.calls] == [
        (call.name, json.loads(call.arguments)) for call in (PARIS, CET)
    ]
    assert [text for _, text in second.results] == RESULTS
    assert [one[0] for one in second.results] == [one[0] for one in second.calls]
    assert len({one[0] for one in second.calls}) == 2
    # A caller may keep the deltas of a stream as parts of their own.
    spoken = [kind for kind, _ in groupby(kind for kind in second.order if kind != "reasoning")]
    assert spoken in (["text", "call", "result"], ["text", "call", "result", "call", "result"])
    if "reasoning" in second.order and provider != "chat":
        assert second.order[0] == "reasoning"
