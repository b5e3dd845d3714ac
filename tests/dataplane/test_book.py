"""What the records of an exchange say, by how it ended."""

import pytest

from fastgw.dataplane import book
from fastgw.errors import ErrorKind
from fastgw.records import Outcome
from fastgw.usage import Usage
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf
from tests.dataplane.test_question import MESSAGES, ask, lanes
from tests.fakes import answers
from tests.fakes.scene import Say, Scene
from tests.fakes.speech import messages, responses


async def test_only_the_attempt_that_answered_is_charged(worker: Worker) -> None:
    worker.provider.next(answers.error(500))
    assert (await worker.call().answer()).status == 502
    closed = await worker.closed()
    assert (closed.outcome, closed.error) == (Outcome.UPSTREAM_ERROR, ErrorKind.UPSTREAM_UNAVAILABLE)
    assert closed.usage.total_tokens == 0
    await worker.until_nothing_is_left()


async def test_an_answer_without_usage_is_counted_here_and_says_so(worker: Worker) -> None:
    worker.provider.next(answers.sse(answers.events(usage=None)))
    await worker.call(stream=True).answer()
    closed = await worker.closed()
    assert closed.usage_estimated
    assert closed.usage.out_text > 0
    assert closed.usage.in_text > 0


async def test_a_refused_request_keeps_its_status(worker: Worker) -> None:
    worker.provider.next(answers.error(422))
    assert (await worker.call().answer()).status == 422
    closed = await worker.closed()
    assert (closed.outcome, closed.status, closed.usage.total_tokens) == (Outcome.REFUSED, 422, 0)


async def test_a_question_that_nobody_can_be_asked_is_refused_and_uses_nothing(worker: Worker) -> None:
    app = worker.wiring.responses
    body = {"model": "fake/fake-1", "input": "hi", "previous_response_id": "resp_1"}
    assert (await Caller(app, worker.key, body).answer()).status == 400
    closed = await worker.closed()
    assert (closed.outcome, closed.status, closed.usage.total_tokens) == (Outcome.REFUSED, 400, 0)
    await worker.until_nothing_is_left()


@pytest.mark.parametrize("dialect", ["messages", "chat"])
async def test_a_cut_stream_is_charged_for_what_was_said_though_only_its_start_was_reported(
    worker_of: WorkerOf, dialect: str
) -> None:
    worker = await lanes(worker_of, "messages")
    frames = messages.frames(Scene((Say("words " * 400),)), {})
    cut = next(at for at, frame in enumerate(frames) if b"content_block_stop" in frame)
    worker.provider.next(answers.sse(frames[:cut], gap_s=0.01, end=answers.End.RESET))
    asked = {"model": "any", "max_tokens": 900, "messages": MESSAGES, "stream": True}
    assert (await ask(worker, dialect, asked).answer()).status == 200
    closed = await worker.closed()
    assert (closed.outcome, closed.usage_estimated) == (Outcome.CUT, True)
    assert closed.usage.in_text == 11
    assert 500 <= closed.usage.out_text <= 700


PRICES = '\n[prices."fake/fake-1"]\ninput = 15_000_000_000\noutput = 75_000_000_000\n'


@pytest.mark.parametrize("dialect", ["responses", "chat"])
async def test_a_cut_stream_is_charged_for_the_searches_that_were_seen(worker_of: WorkerOf, dialect: str) -> None:
    worker = await lanes(worker_of, "responses")
    search = {"type": "web_search_call", "id": "ws_1", "status": "completed", "action": {"type": "search"}}
    frames = responses.frames(Scene((Say("words " * 400),)), {})
    frames.insert(2, answers.data_frame({"type": "response.output_item.done", "output_index": 9, "item": search}))
    worker.provider.next(answers.sse(frames[:-1], gap_s=0.01, end=answers.End.RESET))
    asked = {"model": "any", "stream": True} | ({"input": "hi"} if dialect == "responses" else {"messages": MESSAGES})
    assert (await ask(worker, dialect, asked).answer()).status == 200
    closed = await worker.closed()
    assert (closed.outcome, closed.usage_estimated, closed.usage.searches) == (Outcome.CUT, True, 1)


@pytest.mark.parametrize("stream", [False, True])
async def test_searches_are_charged_besides_the_tokens(worker_of: WorkerOf, *, stream: bool) -> None:
    worker = await worker_of(PRICES + "search = { web = 10_000_000_000_000 }\n")
    usage = {"prompt_tokens": 10, "completion_tokens": 2, "server_tool_use_details": {"web_search_requests": 3}}
    whole = answers.completion() | {"usage": usage}
    worker.provider.next(answers.sse(answers.events(usage=usage)) if stream else answers.unary(whole))
    assert (await worker.call(stream=stream).answer()).status == 200
    closed = await worker.closed()
    assert closed.usage == Usage(in_text=10, out_text=2, searches=3)
    assert closed.charge_nano == closed.cost_nano == 10 * 15_000 + 2 * 75_000 + 3 * 10_000_000


@pytest.mark.parametrize("stream", [False, True])
async def test_what_no_exchange_can_have_used_is_counted_here(worker_of: WorkerOf, *, stream: bool) -> None:
    worker = await worker_of(PRICES)
    usage = {"prompt_tokens": 10**15, "completion_tokens": 10**15, "total_tokens": 2 * 10**15}
    whole = answers.completion() | {"usage": usage}
    worker.provider.next(answers.sse(answers.events(usage=usage)) if stream else answers.unary(whole))
    assert (await worker.call(stream=stream).answer()).status == 200
    closed = await worker.closed()
    assert closed.usage_estimated
    assert 0 < closed.usage.total_tokens < 1_000
    assert 0 < closed.charge_nano < 100_000_000


async def test_an_answer_of_which_no_output_is_reported_is_counted_here(worker: Worker) -> None:
    usage = {"prompt_tokens": 11, "completion_tokens": 0, "total_tokens": 11}
    worker.provider.next(answers.sse(answers.events(usage=usage)))
    await worker.call(stream=True).answer()
    closed = await worker.closed()
    assert closed.usage_estimated
    assert (closed.usage.in_text, closed.usage.out_text) == (11, 8)


async def test_nobody_is_guessed_to_have_got_more_than_was_allowed(worker: Worker) -> None:
    worker.provider.next(answers.sse(answers.events([" " * 4_000], usage=None)))
    await worker.call(stream=True, max_tokens=50).answer()
    assert (await worker.closed()).usage.out_text == 50


async def test_an_exchange_that_cannot_be_counted_is_closed_all_the_same(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise ValueError("a defect")

    monkeypatch.setattr(book, "owed", broken)
    assert (await worker.call().answer()).status == 200
    closed = await worker.closed()
    assert (closed.outcome, closed.charge_nano, closed.usage_estimated) == (Outcome.OK, 0, True)
    await worker.until_nothing_is_left()
