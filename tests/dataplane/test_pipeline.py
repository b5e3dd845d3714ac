"""The request path from end to end at its ASGI edge: every way out settles once and leaves nothing behind."""

import asyncio
import threading
from typing import Any

import msgspec
import pytest

from fastgw.dataplane import pipeline
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.dataplane.question import spliced
from fastgw.records import Outcome
from fastgw.settings.values import Deadlines
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf
from tests.fakes import answers
from tests.fakes.answers import End


@pytest.mark.parametrize("stream", [False, True])
async def test_an_answer_is_settled_once(worker: Worker, stream: bool) -> None:
    caller = await worker.call(stream=stream).answer()
    assert caller.status == 200
    assert caller.ended
    closed = await worker.closed()
    assert (closed.outcome, closed.status, closed.attempts) == (Outcome.OK, 200, 1)
    assert closed.usage.total_tokens == 18
    await worker.until_nothing_is_left()


@pytest.mark.parametrize("stream", [False, True])
async def test_a_hang_up_ends_the_exchange_at_the_provider(worker: Worker, stream: bool) -> None:
    worker.provider.next([End.STALL])
    caller = worker.call(stream=stream).start()
    await caller.until(lambda _: worker.provider.requests)
    caller.gone.set()
    await worker.provider.requests[0].until_gone()
    await caller.answer()
    assert caller.sent == []
    assert (await worker.closed()).outcome is Outcome.CLIENT_GONE
    await worker.until_nothing_is_left()


@pytest.mark.parametrize("stream", [False, True])
async def test_the_total_deadline_tells_the_caller(worker_of: WorkerOf, stream: bool) -> None:
    worker = await worker_of(deadlines=Deadlines(timeout_total_ms=300))
    worker.provider.next([End.STALL])
    caller = await worker.call(stream=stream).answer()
    assert caller.status == 504
    assert caller.ended
    assert (await worker.closed()).outcome is Outcome.TIMEOUT
    await worker.until_nothing_is_left()


async def test_draining_cuts_what_runs_and_settles_it(worker: Worker) -> None:
    worker.provider.next([End.STALL])
    caller = worker.call().start()
    await caller.until(lambda _: worker.provider.requests)
    worker.wiring.drain.cut()
    await caller.answer()
    assert caller.status == 503
    assert (await worker.closed()).outcome is Outcome.DRAINED
    await worker.until_nothing_is_left()


async def test_an_unknown_model_is_told_and_gives_back_its_grant(worker: Worker) -> None:
    caller = await worker.call(model="nobody/knows").answer()
    assert caller.status == 404
    assert msgspec.json.decode(caller.text)["code"] == "model_not_found"
    assert worker.records() == []
    await worker.until_nothing_is_left()


async def test_time_spent_on_a_provider_that_fails_is_not_the_gateways_own(worker: Worker) -> None:
    worker.provider.next([0.5, *answers.unary({"error": {"message": "no"}}, 500)])
    caller = await worker.call().answer()
    assert caller.status == 502
    assert float(caller.headers[b"server-timing"].partition(b"dur=")[2]) < 400
    assert (await worker.closed()).gateway_us < 400_000


async def test_time_spent_on_a_provider_that_resets_is_not_the_gateways_own(worker: Worker) -> None:
    worker.provider.next([0.5, End.RESET])
    caller = await worker.call().answer()
    assert caller.status == 502
    assert (await worker.closed()).gateway_us < 400_000


async def test_a_head_that_goes_out_early_does_not_count_the_wait_as_the_gateways_own(worker_of: WorkerOf) -> None:
    worker = await worker_of(deadlines=Deadlines(hold_headers_ms=500))
    worker.provider.next([1.5, *answers.sse()])
    caller = await worker.call(stream=True).answer()
    assert caller.text.startswith(b": keep-alive")
    assert float(caller.headers[b"server-timing"].partition(b"dur=")[2]) < 400


async def test_googles_callers_hear_blank_lines_in_a_silence(worker_of: WorkerOf) -> None:
    # Its SDK takes a comment for the start of an error.
    worker = await worker_of(deadlines=Deadlines(hold_headers_ms=500))
    worker.provider.next([1.5, *answers.sse()])
    body = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}
    caller = Caller(worker.wiring.actions, worker.key, body, path="/v1beta/models/fake/fake-1:streamGenerateContent")
    caller.scope["path_params"] = {"model": "fake/fake-1:streamGenerateContent"}
    caller.scope["query_string"] = b"alt=sse"
    await caller.answer()
    assert caller.text.startswith(b"\ndata: ")


@pytest.mark.parametrize("stream", [False, True])
async def test_usage_without_end_neither_fails_the_answer_nor_loses_the_grant(worker: Worker, stream: bool) -> None:
    usage = {"prompt_tokens": 10**40, "completion_tokens": 1, "total_tokens": 10**40}
    worker.provider.next(
        answers.sse(answers.events(usage=usage)) if stream else answers.unary(answers.completion(usage=usage))
    )
    caller = await worker.call(stream=stream).answer()
    assert caller.ended
    assert (await worker.closed()).outcome is Outcome.OK
    await worker.until_nothing_is_left()


async def test_a_key_whose_models_have_just_changed_is_held_to_the_new_list(worker: Worker) -> None:
    key = await worker.mint("two")
    assert (await worker.call(key).answer()).status == 200
    known = worker.wiring._keys._by_digest
    old = dict(known)
    (digest,) = [digest for digest, one in known.items() if one.principal.name == "two"]
    principal = known[digest].principal
    version = worker.wiring._keys._version
    await worker.mirror.put(msgspec.structs.replace(principal, epoch=2, models=("other/*",)))
    await worker.call().until(lambda _: worker.wiring._keys._version != version)
    # As if the message of the change had been lost.
    known.update(old)
    caller = await worker.call(key).answer()
    assert caller.status == 403
    await worker.until_nothing_is_left()


async def test_a_client_that_does_not_even_read_a_comment_is_cut_at_the_deadline(worker_of: WorkerOf) -> None:
    worker = await worker_of(deadlines=Deadlines(hold_headers_ms=200, timeout_total_ms=1_500))
    worker.provider.next([End.STALL])
    caller = worker.call(stream=True)
    caller.reading.clear()
    await caller.answer()
    assert not caller.ended
    assert (await worker.closed()).outcome is Outcome.TIMEOUT
    await worker.until_nothing_is_left()


async def test_no_comment_follows_the_end_or_an_error_that_nobody_reads_yet(worker_of: WorkerOf) -> None:
    worker = await worker_of(deadlines=Deadlines(keepalive_ms=100))
    worker.provider.next(answers.html())
    caller = worker.call(stream=True)
    caller.reading.clear()
    caller.start()
    await caller.until(lambda it: it.sent)
    await asyncio.sleep(1)
    caller.reading.set()
    await caller.answer()
    await asyncio.sleep(0.1)
    assert caller.status == 502
    assert b"keep-alive" not in caller.text
    assert caller.ended


async def test_a_large_body_is_spliced_off_the_loop(worker: Worker, monkeypatch: pytest.MonkeyPatch) -> None:
    threads: list[bool] = []

    def noting(*given: Any) -> bytes:
        threads.append(threading.current_thread() is threading.main_thread())
        return spliced(*given)

    monkeypatch.setattr(pipeline, "spliced", noting)
    for size in (1, OFF_LOOP_BYTES):
        assert (await worker.call(messages=[{"role": "user", "content": "x" * size}]).answer()).status == 200
    assert threads == [True, False]
