"""Streams: bytes pass untouched, usage is hidden unless asked for, a cut is told and never dressed up."""

import asyncio
import json

import pytest

from fastgw.records import Outcome
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf
from tests.dataplane.test_question import MESSAGES, ask, lanes
from tests.fakes import answers
from tests.fakes.scene import Call, Scene, Think
from tests.fakes.speech import messages


async def test_the_callers_bytes_are_the_providers_without_the_usage_it_did_not_ask_for(worker: Worker) -> None:
    made = answers.events()
    worker.provider.next(answers.sse(made))
    assert (await worker.call(stream=True).answer()).text == b"".join(made[:-2] + made[-1:])
    assert (await worker.closed()).usage.total_tokens == 18


async def test_who_asks_for_usage_sees_it(worker: Worker) -> None:
    made = answers.events()
    worker.provider.next(answers.sse(made))
    caller = await worker.call(stream=True, stream_options={"include_usage": True}).answer()
    assert caller.text == b"".join(made)


async def test_a_cut_stream_ends_in_an_error_frame(worker: Worker) -> None:
    worker.provider.next(answers.sse(answers.events()[:3], end=answers.End.RESET))
    caller = await worker.call(stream=True).answer()
    assert caller.status == 200
    assert b'"error"' in caller.text
    assert (await worker.closed()).outcome is Outcome.CUT
    await worker.until_nothing_is_left()


async def test_an_error_event_ends_the_stream_as_one_of_ours(worker: Worker) -> None:
    worker.provider.next(
        answers.sse([*answers.events()[:3], answers.error_event("at https://secret.example")], gap_s=0.1)
    )
    caller = await worker.call(stream=True).answer()
    assert b"secret" not in caller.text
    assert (await worker.closed()).outcome is Outcome.CUT


async def test_the_last_words_of_a_cut_stream_are_delivered(worker: Worker) -> None:
    """An event without its empty line, then the end: whole words, but no answer that came to its end."""
    made = answers.events()[:3]
    worker.provider.next([answers.head(200, (answers.EVENTS,)) + b"".join(made)[:-2], answers.End.CLOSE])
    caller = Caller(worker.wiring.responses, worker.key, {"model": "fake/fake-1", "input": "hi", "stream": True})
    await caller.answer()
    said = [json.loads(line[6:]) for line in caller.text.splitlines() if line.startswith(b"data: ")]
    assert [one["sequence_number"] for one in said] == list(range(len(said)))
    assert said[-1]["type"] == "response.failed"
    assert "".join(one["delta"] for one in said if one["type"] == "response.output_text.delta") == "Hello from"
    assert (await worker.closed()).outcome is Outcome.CUT


async def test_an_end_mark_alone_is_no_stream_in_any_dialect(worker: Worker) -> None:
    for app, body in (
        (worker.wiring.chat, {"messages": MESSAGES}),
        (worker.wiring.responses, {"input": "hi"}),
        (worker.wiring.messages, {"messages": MESSAGES, "max_tokens": 9}),
    ):
        worker.provider.next(answers.sse([b"data: [DONE]\n\n"]))
        caller = await Caller(app, worker.key, {"model": "fake/fake-1", "stream": True, **body}).answer()
        assert caller.status == 502


async def test_what_was_reasoned_is_kept_before_the_end_leaves(worker_of: WorkerOf) -> None:
    """The caller comes back at once, while the provider still has its stream open."""
    worker = await lanes(worker_of, "messages")
    scene = Scene((Think("Hm.", "c2VhbA=="), Call("f", "{}", "toolu_1")), "tools")
    worker.provider.next(answers.sse(messages.frames(scene, {}), end=answers.End.STALL))
    asked = {"model": "any", "messages": MESSAGES, "stream": True}
    caller = await ask(worker, "chat", asked).start().until(lambda it: it.ended)
    async with asyncio.timeout(1):
        while not await worker.wiring._seals.recall("key_one", ["call_1"]):
            await asyncio.sleep(0.01)
    await caller.answer()


async def test_what_broke_off_is_told_to_the_operator_too(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    worker.provider.next(answers.sse(answers.events()[:3], end=answers.End.RESET))
    await worker.call(stream=True).answer()
    assert [line for line in caplog.messages if "fake/" in line and "broke off" in line]
