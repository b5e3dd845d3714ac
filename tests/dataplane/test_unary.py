"""Whole answers, and those too large to hold."""

import msgspec
import pytest

from fastgw.records import Outcome
from fastgw.settings.values import Bounds
from tests.dataplane.conftest import Worker, WorkerOf
from tests.dataplane.test_question import MESSAGES, ask, lanes
from tests.fakes import answers


async def test_bytes_pass_untouched_and_the_providers_headers_stay_behind(worker: Worker) -> None:
    worker.provider.next(answers.unary(headers=answers.LEAKING))
    caller = await worker.call().answer()
    assert msgspec.json.decode(caller.text) == answers.completion()
    assert not {b"set-cookie", b"x-served-by", b"openai-organization"} & caller.headers.keys()


async def test_an_answer_too_large_to_hold_is_passed_on_and_its_usage_read(worker_of: WorkerOf) -> None:
    worker = await worker_of(bounds=Bounds(answer_bytes_buffered_max=100_000))
    answer = answers.completion("x" * 400_000)
    worker.provider.next(answers.unary(answer))
    caller = await worker.call().answer()
    assert msgspec.json.decode(caller.text) == answer
    closed = await worker.closed()
    assert (closed.outcome, closed.usage.total_tokens) == (Outcome.OK, 18)
    await worker.until_nothing_is_left()


async def test_of_an_answer_without_usage_the_text_is_counted_and_not_its_wrapping(worker: Worker) -> None:
    answer = answers.completion("four bytes a token: ten tokens here, or so")
    del answer["usage"]
    worker.provider.next(answers.unary(answer))
    assert (await worker.call().answer()).status == 200
    closed = await worker.closed()
    assert (closed.usage_estimated, closed.usage.out_text) == (True, 11)


async def test_a_large_answer_that_is_cut_is_never_finished(worker_of: WorkerOf) -> None:
    worker = await worker_of(bounds=Bounds(answer_bytes_buffered_max=100_000))
    head = answers.head(200, (answers.JSON,), length=900_000)
    worker.provider.next([head + b'{"choices":[' + b" " * 400_000, answers.End.CLOSE])
    caller = await worker.call().answer()
    assert not caller.ended
    assert (await worker.closed()).outcome is Outcome.CUT


@pytest.mark.parametrize("content", ["data", "words"])
async def test_an_image_is_no_text_and_text_is_measured_in_bytes(worker_of: WorkerOf, content: str) -> None:
    worker = await lanes(worker_of, "gemini")
    part = (
        {"inlineData": {"mimeType": "image/png", "data": "AAAA" * 10_000}} if content == "data" else {"text": "ä" * 40}
    )
    answer = {"candidates": [{"content": {"role": "model", "parts": [part]}, "finishReason": "STOP"}]}
    worker.provider.next(answers.unary(answer))
    caller = await ask(worker, "messages", {"model": "any", "max_tokens": 90, "messages": MESSAGES}).answer()
    assert caller.status == 200
    closed = await worker.closed()
    assert (closed.usage_estimated, closed.usage.output_tokens) == (True, 0 if content == "data" else 20)


async def test_a_large_answer_without_usage_is_counted_here(worker_of: WorkerOf) -> None:
    worker = await worker_of(bounds=Bounds(answer_bytes_buffered_max=100_000))
    answer = {name: value for name, value in answers.completion("x" * 400_000).items() if name != "usage"}
    worker.provider.next(answers.unary(answer))
    await worker.call().answer()
    closed = await worker.closed()
    assert closed.usage_estimated
    assert 100_000 <= closed.usage.out_text < 101_000
