"""What the request path bills, seen from the worker: prices, costs told, hops, and callers who have gone."""

from fastgw.records import Closed, Hopped, Outcome
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf
from tests.fakes import answers
from tests.fakes.answers import End

PRICES = '\n[prices."fake/fake-1"]\ninput = 1_000_000_000\noutput = 3_000_000_000\n'
"""1 and 3 USD for a million tokens; the fake provider's usual answer uses 11 and 7."""
COST = b"0.000032"


async def test_the_cost_is_told_and_recorded(worker_of: WorkerOf) -> None:
    worker = await worker_of(PRICES)
    caller = await worker.call().answer()
    assert caller.headers[b"x-fastgw-cost-usd"] == COST
    closed = await worker.closed()
    assert (closed.charge_nano, closed.cost_nano, closed.unpriced) == (32_000, 32_000, False)


async def test_without_a_price_nothing_is_charged_and_the_row_says_so(worker: Worker) -> None:
    caller = await worker.call().answer()
    assert b"x-fastgw-cost-usd" not in caller.headers
    closed = await worker.closed()
    assert (closed.charge_nano, closed.cost_nano, closed.unpriced) == (0, 0, True)


def wishing(worker: Worker, wish: bytes) -> Caller:
    caller = worker.call(stream=True)
    caller.scope["headers"].append((b"x-fastgw-cost", wish))
    return caller


async def test_a_stream_tells_its_cost_before_its_end_to_who_asked(worker_of: WorkerOf) -> None:
    worker = await worker_of(PRICES)
    told = (await wishing(worker, b"comment").answer()).text
    assert b": fastgw-cost-usd " + COST + b"\n\n" in told
    assert told.endswith(b"data: [DONE]\n\n")
    told = (await wishing(worker, b"event").answer()).text
    assert b'event: fastgw.cost\ndata: {"cost_usd":"' + COST + b'"}\n\n' in told
    for wish in (b"no", b""):
        assert COST not in (await wishing(worker, wish).answer()).text
    assert COST not in (await worker.call(stream=True).answer()).text


async def test_a_failed_candidate_is_a_hop_and_only_the_answer_is_charged(worker_of: WorkerOf) -> None:
    worker = await worker_of(PRICES + '\n[[models]]\nname = "both"\ntargets = ["fake/fake-1", "fake/fake-2"]\n')
    worker.provider.next(answers.error(500))
    worker.provider.next(answers.error(503))
    caller = await worker.call(model="both").answer()
    assert caller.status == 502
    worker.provider.next(answers.error(500))
    assert (await worker.call(model="both").answer()).status == 200
    hops = [one for one in worker.records() if isinstance(one, Hopped)]
    assert [(one.number, one.provider_model, one.cost_nano) for one in hops] == [(1, "fake-1", 0), (1, "fake-1", 0)]
    rows = [one for one in worker.records() if isinstance(one, Closed)]
    assert [(one.provider_model, one.usage.total_tokens, one.attempts) for one in rows] == [
        ("fake-2", 0, 2),
        ("fake-2", 18, 2),
    ]


async def test_a_caller_who_has_gone_is_billed_what_the_provider_says_where_it_is_listened_to(
    worker_of: WorkerOf,
) -> None:
    worker = await worker_of("drain_on_disconnect_s = 5\n" + PRICES)
    events = answers.events()
    worker.provider.next(answers.sse(events, gap_s=0.4))
    caller = worker.call(stream=True).start()
    await caller.until(lambda one: len(one.sent) > 1)
    caller.gone.set()
    closed = await worker.closed()
    assert (closed.outcome, closed.status, closed.usage.total_tokens) == (Outcome.CLIENT_GONE, 499, 18)
    assert not closed.usage_estimated
    assert closed.charge_nano == 32_000
    await worker.until_nothing_is_left()


async def test_nobody_is_listened_to_for_ever(worker_of: WorkerOf) -> None:
    worker = await worker_of("drain_on_disconnect_s = 1\n" + PRICES)
    worker.provider.next([End.STALL])
    caller = worker.call(stream=True).start()
    await caller.until(lambda _: worker.provider.requests)
    caller.gone.set()
    closed = await worker.closed()
    assert (closed.outcome, closed.usage_estimated) == (Outcome.CLIENT_GONE, True)
    assert closed.usage.out_text == 0
    assert closed.usage.in_text > 0
    await worker.until_nothing_is_left()


async def test_a_picture_is_not_billed_by_its_bytes(worker_of: WorkerOf) -> None:
    worker = await worker_of(PRICES)
    picture = {"type": "image_url", "image_url": {"url": "data:image/png;base64," + "A" * 400_000}}
    worker.provider.next(answers.sse(answers.events(usage=None)))
    content = [{"type": "text", "text": "What is it?"}, picture]
    await worker.call(stream=True, messages=[{"role": "user", "content": content}]).answer()
    closed = await worker.closed()
    assert closed.usage_estimated
    assert closed.usage.in_text < 2_000
