"""The gate on a real server: one call for a tick, all limits or none, leases, epochs, and a store that goes away."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path
from time import monotonic

import pytest
from redis.asyncio import Redis

from fastgw.errors import StartupError
from fastgw.exchange import Ask, Denial, Grant, Reason
from fastgw.limits import Limits
from fastgw.storage.valkey import batch as batches
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.gate import ValkeyGate

AskOf = Callable[..., Ask]
GateOf = Callable[..., Awaitable[ValkeyGate]]
MANY = Limits(requests_per_min=6000, requests_burst=100, tokens_per_min=6000, tokens_burst=1000, concurrency=50)


def granted(verdict: Grant | Denial) -> Grant:
    assert isinstance(verdict, Grant), verdict
    return verdict


def denied(verdict: Grant | Denial) -> Denial:
    assert isinstance(verdict, Denial), verdict
    return verdict


async def until(condition: Callable[[], bool], bound_s: float = 20.0) -> None:
    end = monotonic() + bound_s
    while not condition():
        assert monotonic() < end, "the bound of the test was reached"
        await asyncio.sleep(0.01)


async def test_asks_of_one_tick_share_a_script_call(gate: ValkeyGate, ask_of: AskOf) -> None:
    before = gate.script_calls
    verdicts = await asyncio.gather(*[gate.admit(ask_of(MANY, key=f"key_{n % 7}")) for n in range(40)])
    assert all(isinstance(v, Grant) and not v.local for v in verdicts)
    assert gate.script_calls == before + 1


async def test_status_is_that_of_the_tighter_limit(gate: ValkeyGate, ask_of: AskOf) -> None:
    tight = Limits(requests_per_min=60, requests_burst=5, tokens_per_min=60, tokens_burst=2000)
    status = granted(await gate.admit(ask_of(MANY, address_limits=tight, tokens=100))).status
    assert (status.limit_requests, status.remaining_requests) == (5, 4)
    assert (status.limit_tokens, status.remaining_tokens) == (1000, 900)
    assert 0 < status.reset_requests_ms <= 1000
    assert 0 < status.reset_tokens_ms <= 1000


@pytest.mark.parametrize(
    ("limits", "address_limits", "reason"),
    [
        (Limits(requests_per_min=1, requests_burst=2), Limits(), Reason.KEY_REQUESTS),
        (Limits(tokens_per_min=1, tokens_burst=20), Limits(), Reason.KEY_TOKENS),
        (Limits(concurrency=2), Limits(), Reason.KEY_CONCURRENCY),
        (Limits(), Limits(requests_per_min=1, requests_burst=2), Reason.ADDRESS_REQUESTS),
        (Limits(), Limits(tokens_per_min=1, tokens_burst=20), Reason.ADDRESS_TOKENS),
        (Limits(), Limits(concurrency=2), Reason.ADDRESS_CONCURRENCY),
    ],
)
async def test_each_limit_denies_by_its_own_name(
    gate: ValkeyGate, ask_of: AskOf, limits: Limits, address_limits: Limits, reason: Reason
) -> None:
    ask = ask_of(limits, address_limits=address_limits, tokens=10)
    granted(await gate.admit(ask))
    granted(await gate.admit(ask))
    denial = denied(await gate.admit(ask))
    assert denial.reason is reason
    if reason in (Reason.KEY_CONCURRENCY, Reason.ADDRESS_CONCURRENCY):
        assert denial.retry_after_ms > 0
    else:
        assert 0 < denial.retry_after_ms <= 600_000


async def test_what_never_fits_gets_no_retry_after(gate: ValkeyGate, ask_of: AskOf) -> None:
    denial = denied(await gate.admit(ask_of(MANY, tokens=1001)))
    assert (denial.reason, denial.retry_after_ms) == (Reason.KEY_TOKENS, 0)


async def test_a_denial_by_the_address_debits_nothing_of_the_key(gate: ValkeyGate, ask_of: AskOf) -> None:
    slow = Limits(requests_per_min=1, requests_burst=100, tokens_per_min=1, tokens_burst=1000, concurrency=50)
    full = Limits(requests_per_min=1, requests_burst=1)
    granted(await gate.admit(ask_of(slow, address_limits=full, tokens=10)))
    for _ in range(5):
        assert denied(await gate.admit(ask_of(slow, address_limits=full, tokens=10))).reason is Reason.ADDRESS_REQUESTS
    status = granted(await gate.admit(ask_of(slow, address="198.51.100.1", address_limits=full, tokens=10))).status
    assert (status.remaining_tokens, status.remaining_requests) == (980, 0)


async def test_settling_gives_back_what_was_not_used(gate: ValkeyGate, ask_of: AskOf) -> None:
    slow = Limits(tokens_per_min=1, tokens_burst=1000)
    gate.settle(granted(await gate.admit(ask_of(slow, tokens=600))), 100)
    status = granted(await gate.admit(ask_of(slow, tokens=0))).status
    assert status.remaining_tokens == 900
    gate.settle(granted(await gate.admit(ask_of(slow, tokens=100))), 400)
    assert granted(await gate.admit(ask_of(slow, tokens=0))).status.remaining_tokens == 500


async def test_a_settlement_goes_out_without_another_admission(
    gate_of: GateOf, server: embedded.Embedded, ask_of: AskOf
) -> None:
    one, other = await gate_of(), await gate_of()
    ask = ask_of(Limits(concurrency=1))
    grant = granted(await one.admit(ask))
    assert denied(await other.admit(ask)).reason is Reason.KEY_CONCURRENCY
    one.settle(grant, 0)
    end = monotonic() + 20
    while not isinstance(await other.admit(ask), Grant):
        assert monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_settlement_gives_back_one_lease_and_no_more(gate: ValkeyGate, ask_of: AskOf) -> None:
    ask = ask_of(Limits(concurrency=3))
    grants = [granted(await gate.admit(ask)) for _ in range(3)]
    gate.settle(grants[0], 0)
    granted(await gate.admit(ask))
    assert denied(await gate.admit(ask)).reason is Reason.KEY_CONCURRENCY


async def test_a_cancelled_caller_leaves_no_lease(gate: ValkeyGate, ask_of: AskOf) -> None:
    ask = ask_of(Limits(concurrency=1))
    task = asyncio.ensure_future(gate.admit(ask))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    end = monotonic() + 20
    while not isinstance(await gate.admit(ask), Grant):
        assert monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_dead_workers_leases_end(
    gate_of: GateOf, server: embedded.Embedded, ask_of: AskOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LEASE_US", 300_000)
    dead, alive = await gate_of(), await gate_of()
    ask = ask_of(Limits(concurrency=1))
    granted(await dead.admit(ask))
    assert denied(await alive.admit(ask)).reason is Reason.KEY_CONCURRENCY
    await asyncio.sleep(0.4)
    granted(await alive.admit(ask))


async def test_the_heartbeat_keeps_a_long_exchange_counted(
    gate_of: GateOf, server: embedded.Embedded, ask_of: AskOf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batches, "LEASE_US", 3_000_000)
    monkeypatch.setattr("fastgw.storage.valkey.gate.HEARTBEAT_S", 0.1)
    busy, other = await gate_of(), await gate_of()
    ask = ask_of(Limits(concurrency=1))
    granted(await busy.admit(ask))
    await asyncio.sleep(3.5)
    assert denied(await other.admit(ask)).reason is Reason.KEY_CONCURRENCY
    await busy.aclose()
    granted(await other.admit(ask))


async def test_an_older_epoch_is_stale_for_every_worker(
    gate_of: GateOf, server: embedded.Embedded, ask_of: AskOf
) -> None:
    one, other = await gate_of(), await gate_of()
    granted(await one.admit(ask_of(MANY, epoch=1)))
    granted(await other.admit(ask_of(MANY, epoch=2)))
    assert denied(await one.admit(ask_of(MANY, epoch=1))).reason is Reason.STALE_KEY
    granted(await one.admit(ask_of(MANY, epoch=2)))


async def test_every_record_expires(gate: ValkeyGate, ask_of: AskOf, redis: Redis) -> None:
    granted(await gate.admit(ask_of(MANY, address_limits=MANY, tokens=5)))
    names = await redis.keys("*")
    assert len(names) == 2
    for name in names:
        assert 0 < await redis.pttl(name) <= 601_000


async def test_a_forgotten_script_is_sent_again(gate: ValkeyGate, ask_of: AskOf, redis: Redis) -> None:
    granted(await gate.admit(ask_of(MANY)))
    await redis.script_flush()
    verdicts = await asyncio.gather(*[gate.admit(ask_of(MANY)) for _ in range(5)])
    assert all(isinstance(v, Grant) and not v.local for v in verdicts)


async def test_a_restarted_server_is_found_again(gate_of: GateOf, tmp_path: Path, ask_of: AskOf) -> None:
    first = embedded.start(tmp_path / "own")
    gate = await gate_of(first.url)
    slow = Limits(requests_per_min=1, requests_burst=100, concurrency=10)
    kept = granted(await gate.admit(ask_of(slow)))
    first.process.send_signal(signal.SIGKILL)
    first.process.wait()
    local = granted(await gate.admit(ask_of(slow)))
    assert local.local
    first.stop()
    second = embedded.start(tmp_path / "own")
    grant = granted(await gate.admit(ask_of(slow)))
    end = monotonic() + 20
    while grant.local:
        assert monotonic() < end
        gate.settle(grant, 0)
        await asyncio.sleep(0.02)
        grant = granted(await gate.admit(ask_of(slow)))
    other = await gate_of(second.url)
    # kept, local and grant run in the first gate: told by the heartbeat after the reconnection.
    three = ask_of(Limits(concurrency=3))
    assert denied(await other.admit(three)).reason is Reason.KEY_CONCURRENCY
    for owed in (kept, local, grant):
        gate.settle(owed, 0)
    end = monotonic() + 20
    while not isinstance(await other.admit(three), Grant):
        assert monotonic() < end
        await asyncio.sleep(0.01)
    second.stop()


async def test_a_store_that_hangs_holds_nobody_long_and_recovers(
    gate_of: GateOf, server: embedded.Embedded, ask_of: AskOf
) -> None:
    gate = await gate_of(server.url, deadline_ns=300_000_000, local_ns=1_500_000_000)
    granted(await gate.admit(ask_of(MANY)))
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        async with asyncio.timeout(20):
            verdicts = await asyncio.gather(*[gate.admit(ask_of(MANY)) for _ in range(3)])
            assert all(isinstance(v, Grant) and v.local for v in verdicts)
            for verdict in verdicts:
                gate.settle(granted(verdict), 0)
            while isinstance(verdict := await gate.admit(ask_of(MANY)), Grant):
                gate.settle(verdict, 0)
                await asyncio.sleep(0.02)
            assert denied(verdict).reason is Reason.STORE_AWAY
    finally:
        os.kill(server.process.pid, signal.SIGCONT)
    end = monotonic() + 20
    while not (isinstance(verdict := await gate.admit(ask_of(MANY)), Grant) and not verdict.local):
        assert monotonic() < end, verdict
        if isinstance(verdict, Grant):
            gate.settle(verdict, 0)
        await asyncio.sleep(0.02)


async def test_local_buckets_limit_too(gate_of: GateOf, server: embedded.Embedded, ask_of: AskOf) -> None:
    gate = await gate_of()
    server.process.kill()
    server.process.wait()
    slow = Limits(requests_per_min=1, requests_burst=3, tokens_per_min=1, tokens_burst=100, concurrency=2)
    await until(lambda: gate._link is None)
    first = granted(await gate.admit(ask_of(slow, tokens=60)))
    assert first.local
    assert first.status.remaining_tokens == 40
    assert denied(await gate.admit(ask_of(slow, tokens=60))).reason is Reason.KEY_TOKENS
    gate.settle(first, 10)
    granted(await gate.admit(ask_of(slow, tokens=60)))
    granted(await gate.admit(ask_of(slow, tokens=0)))
    assert denied(await gate.admit(ask_of(slow, tokens=0))).reason is Reason.KEY_CONCURRENCY


async def test_no_server_at_the_start_says_so(tmp_path: Path) -> None:
    with pytest.raises(StartupError, match="cannot be reached"):
        await ValkeyGate(f"unix://{tmp_path}/none.sock").start()
