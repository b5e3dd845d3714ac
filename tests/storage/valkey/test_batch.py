"""The script against the pure arithmetic: one sequence of operations, the same verdicts and the same buckets."""

from collections.abc import Callable

import msgspec
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from redis import Redis as SyncRedis

from fastgw import bucket
from fastgw.exchange import Ask, Principal
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.batch import Batch
from fastgw.storage.valkey.courier import SCRIPT
from fastgw.storage.valkey.subjects import Subject

NOW = 1_800_000_000_000_000
limits = st.builds(
    Limits,
    requests_per_min=st.integers(0, 1200),
    requests_burst=st.integers(1, 5),
    tokens_per_min=st.integers(0, 100_000),
    tokens_burst=st.integers(1, 3_000),
)
steps = st.lists(
    st.tuples(st.integers(-2_000_000, 3_000_000), st.integers(0, 4_000), st.integers(0, 4_000)), min_size=1, max_size=12
)
AskOf = Callable[..., Ask]


@given(limits, limits, steps)
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_script_and_arithmetic_agree(
    server: embedded.Embedded, key_limits: Limits, address_limits: Limits, ops: list[tuple[int, int, int]]
) -> None:
    key, address = Subject(b"{k}", key_limits), Subject(b"{a}", address_limits)
    principal = Principal(key_id="k", digest="", epoch=1, name="", limits=key_limits)
    model = [[0, 0], [0, 0]]
    now = NOW
    with SyncRedis.from_url(server.url) as redis:
        redis.flushall()
        for number, (pause, tokens, used) in enumerate(ops, 1):
            now += pause
            batch = Batch(number)
            batch.add((Ask("x", principal, "a", address_limits, tokens), None, key, address, None))  # type: ignore[arg-type]
            reply = redis.execute_command("EVAL", SCRIPT, *batch.arguments(7, 1, 0, now))
            at, *tats, verdict = msgspec.msgpack.decode(reply)
            expected, buckets = _model(model, (key, address), now, tokens)
            assert (at, verdict == 0, tats) == (now, expected, buckets)
            if expected:
                for state, subject in zip(model, (key, address), strict=True):
                    subject.correction_us = by = subject.settle(tokens, used)
                    if by:
                        state[1] = bucket.correct(state[1], now, subject.window_t, by)
                batch = Batch(-number)
                batch.include(key)
                batch.include(address)
                reply = redis.execute_command("EVAL", SCRIPT, *batch.arguments(7, 1, 0, now))
                assert msgspec.msgpack.decode(reply) == [now, *model[0], *model[1]]


def _model(model: list[list[int]], subjects: tuple[Subject, Subject], now: int, tokens: int) -> tuple[bool, list[int]]:
    """Whether the arithmetic grants, and the clamped buckets after it; only a grant changes what is stored."""
    seen = [
        [bucket.clamp(state[0], now, subject.window_r), bucket.clamp(state[1], now, subject.window_t)]
        for state, subject in zip(model, subjects, strict=True)
    ]
    for state, subject in zip(seen, subjects, strict=True):
        if subject.window_r and bucket.wait_us(state[0], now, subject.window_r, subject.cost_r):
            return False, seen[0] + seen[1]
        if subject.window_t and bucket.wait_us(state[1], now, subject.window_t, subject.cost_t(tokens)):
            return False, seen[0] + seen[1]
    for state, subject in zip(seen, subjects, strict=True):
        if subject.window_r:
            state[0] = bucket.debit(state[0], now, subject.window_r, subject.cost_r)
        if subject.window_t:
            state[1] = bucket.debit(state[1], now, subject.window_t, subject.cost_t(tokens))
    model[:] = seen
    return True, seen[0] + seen[1]
