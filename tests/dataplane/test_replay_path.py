"""`Idempotency-Key` on the whole path of a worker: four dialects, whole and streamed, hang-ups, failures, bounds."""

import asyncio
import json
from typing import Any

import pytest

from fastgw.dataplane import replay
from fastgw.records import Closed, Outcome
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf
from tests.dataplane.test_question import lanes
from tests.fakes import answers
from tests.fakes.answers import End
from tests.fakes.scene import Say, Scene

HELLO: list[Any] = [{"role": "user", "content": "hi"}]
GEMINI = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
BODIES: dict[str, Any] = {
    "chat": {"model": "any", "messages": HELLO},
    "completions": {"model": "any", "prompt": "hi"},
    "responses": {"model": "any", "input": "hi"},
    "messages": {"model": "any", "messages": HELLO, "max_tokens": 9},
    "gemini": {"model": "any", **GEMINI},
}
STATUSES = {"ABORTED": "idempotency_in_flight", "INVALID_ARGUMENT": "idempotency_mismatch"}
"""What Google's envelope says for them."""


def code_of(dialect: str, told: Caller) -> str:
    error = json.loads(told.text)["error"]
    match dialect:
        case "messages":
            return str(error["details"]["error_code"])
        case "gemini":
            return STATUSES[error["status"]]
        case _:
            return str(error["code"])


def named(worker: Worker, body: Any = None, name: str = "name-1", dialect: str = "chat") -> Caller:
    whole = {"model": "fake/fake-1", "messages": HELLO} if body is None else body
    # The path of Gemini's calls says what the others say in the body; a body that says it is understood, too.
    endpoint = "chat" if dialect == "gemini" else dialect
    caller = Caller(getattr(worker.wiring, endpoint), worker.key, whole, path=f"/v1/{dialect}")
    caller.scope["headers"].append((b"idempotency-key", name.encode()))
    return caller


def closed(worker: Worker) -> list[Closed]:
    return [one for one in worker.records() if isinstance(one, Closed)]


@pytest.mark.parametrize("stream", [False, True])
async def test_each_dialect_gets_its_first_answer_again(worker_of: WorkerOf, stream: bool) -> None:
    worker = await lanes(worker_of, "messages")
    worker.provider.always(Scene((Say("Hello."),)))
    for number, (dialect, question) in enumerate(BODIES.items(), 1):
        body = question | ({"stream": True} if stream else {})
        first = await named(worker, body, dialect, dialect).answer()
        again = await named(worker, body, dialect, dialect).answer()
        assert (first.status, again.status) == (200, 200)
        assert again.text == first.text
        assert again.ended
        assert len(worker.provider.requests) == len(closed(worker)) == number
        assert (again.headers[b"x-fastgw-replayed"], first.headers.get(b"x-fastgw-replayed")) == (b"true", None)
        for name in (b"content-type", b"x-request-id", b"cache-control"):
            assert again.headers[name] == first.headers[name]
        assert b"server-timing" in again.headers
        other = await named(worker, body | {"temperature": 0.5}, dialect, dialect).answer()
        assert (other.status, code_of(dialect, other)) == (422, "idempotency_mismatch")
    await worker.until_nothing_is_left()


async def test_while_it_runs_each_dialect_is_told_so(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages")
    for number, (dialect, body) in enumerate(BODIES.items(), 1):
        worker.provider.next([End.STALL])
        running = named(worker, body, dialect, dialect).start()
        async with asyncio.timeout(30):
            while len(worker.provider.requests) < number:
                await asyncio.sleep(0.01)
        told = await named(worker, body, dialect, dialect).answer()
        assert (told.status, code_of(dialect, told)) == (409, "idempotency_in_flight")
        assert int(told.headers[b"retry-after"]) >= 1
        assert running.task is not None
        running.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running.task
    await worker.until_nothing_is_left()


async def test_an_impossible_name_is_refused(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages")
    for dialect, body in BODIES.items():
        told = await named(worker, body, "two words", dialect).answer()
        assert told.status == 400
        assert "Idempotency-Key" in json.loads(told.text)["error"]["message"]
    assert not worker.provider.requests


async def test_a_request_without_the_header_is_always_a_new_one(worker: Worker) -> None:
    for _ in range(2):
        assert (await worker.call().answer()).status == 200
    assert len(worker.provider.requests) == 2
    assert not await worker.wiring._answers._redis.keys("fgw:*answer*")


async def test_a_body_that_is_no_request_leaves_no_trace(worker: Worker) -> None:
    assert (await named(worker, b"[").answer()).status == 400
    assert (await named(worker).answer()).status == 200


@pytest.mark.parametrize("stream", [False, True])
async def test_a_caller_who_lost_its_connection_finds_the_whole_answer(worker: Worker, stream: bool) -> None:
    body = {"model": "fake/fake-1", "messages": HELLO, "stream": stream}
    if stream:
        worker.provider.next(answers.sse(gap_s=0.25))
    else:
        worker.provider.next([1.5, *answers.unary()])
    lost = named(worker, body).start()
    await lost.until(lambda one: len(one.sent) > 1 if stream else worker.provider.requests)
    lost.gone.set()
    await lost.answer()
    assert not lost.ended
    (row,) = closed(worker)
    assert (row.outcome, row.status, row.usage.total_tokens) == (Outcome.OK, 200, 18)
    again = await named(worker, body).answer()
    assert again.headers[b"x-fastgw-replayed"] == b"true"
    whole = b"".join(answers.events(usage=None)) if stream else json.dumps(answers.completion()).encode()
    assert again.text == whole if stream else json.loads(again.text) == json.loads(whole)
    assert len(worker.provider.requests) == len(closed(worker)) == 1
    await worker.until_nothing_is_left()


async def test_nobody_waits_for_ever_for_a_caller_who_has_gone(worker_of: WorkerOf) -> None:
    worker = await worker_of("[deadlines]\ntimeout_total_ms = 1500\n")
    worker.provider.next([End.STALL])
    lost = named(worker).start()
    await lost.until(lambda _: worker.provider.requests)
    lost.gone.set()
    await lost.answer()
    assert (await worker.closed()).outcome is Outcome.TIMEOUT
    assert (await named(worker).answer()).status == 200


@pytest.mark.parametrize("failing", ["error", "cut stream", "no model"])
async def test_what_came_to_nothing_may_be_asked_again(worker: Worker, failing: str) -> None:
    stream = failing == "cut stream"
    body = {"model": "fake/fake-1", "messages": HELLO, "stream": stream}
    if failing == "error":
        worker.provider.next(answers.error(500))
    elif stream:
        worker.provider.next(answers.sse(answers.events()[:3], end=End.RESET))
    else:
        body["model"] = "nobody/knows"
        told = [(await named(worker, body).answer()).status for _ in range(2)]
        assert told == [404, 404]
        return
    first = await named(worker, body).answer()
    assert first.status == (200 if stream else 502)
    again = await named(worker, body).answer()
    assert (again.status, again.headers.get(b"x-fastgw-replayed")) == (200, None)
    third = await named(worker, body).answer()
    assert (third.text, third.headers[b"x-fastgw-replayed"]) == (again.text, b"true")
    assert len(worker.provider.requests) == 2


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_too_large_to_keep_is_not_paid_for_twice(worker: Worker, stream: bool) -> None:
    body = {"model": "fake/fake-1", "messages": HELLO, "stream": stream}
    words = ["x" * 300_000] * 4
    made = answers.sse(answers.events(words)) if stream else answers.unary(answers.completion("".join(words)))
    worker.provider.next(made)
    first = await named(worker, body).answer()
    assert (first.status, len(first.text) > 1_200_000) == (200, True)
    again = await named(worker, body).answer()
    assert (again.status, json.loads(again.text)["error"]["code"]) == (409, "idempotency_not_kept")
    assert again.headers[b"x-should-retry"] == b"false"
    assert len(worker.provider.requests) == 1


async def test_an_answer_that_outgrows_what_is_kept_ends_with_its_caller(worker: Worker) -> None:
    body = {"model": "fake/fake-1", "messages": HELLO, "stream": True}
    worker.provider.next(answers.sse(answers.events(["x" * 300_000] * 12), gap_s=0.3))
    lost = named(worker, body).start()
    await lost.until(lambda one: len(one.sent) > 1)
    lost.gone.set()
    await lost.answer()
    row = await worker.closed()
    assert row.outcome is Outcome.CLIENT_GONE
    assert row.delivered_bytes < 2_000_000
    again = await named(worker, body).answer()
    assert (again.status, again.headers.get(b"x-fastgw-replayed")) == (200, None)


async def test_while_the_store_is_away_the_promise_is_not_made(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "CLOSE_S", 0.1)
    store = worker.wiring._answers._redis
    store.connection_pool.connection_kwargs["path"] = "/nonexistent"
    await store.connection_pool.disconnect()
    told = await named(worker).answer()
    assert (told.status, json.loads(told.text)["error"]["code"]) == (503, "gate_unavailable")
    assert (await worker.call().answer()).status == 200
    assert len(worker.provider.requests) == 1


async def test_of_forty_at_once_one_is_asked(worker: Worker) -> None:
    worker.provider.next([0.3, *answers.unary()])
    callers = await asyncio.gather(*(named(worker).answer() for _ in range(40)))
    assert sorted({caller.status for caller in callers}) == [200, 409]
    assert len(worker.provider.requests) == len(closed(worker)) == 1
    await worker.until_nothing_is_left()
