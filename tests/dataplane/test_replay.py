"""A request that comes twice with one Idempotency-Key: one runs, the other waits its turn, and nobody is lied to."""

import asyncio
from collections.abc import AsyncIterator, MutableMapping
from typing import Any

import pytest

from fastgw.dataplane import replay
from fastgw.dataplane.relay.downstream import Downstream
from fastgw.dataplane.replay import Name, Replay, name_in
from fastgw.dataplane.replay_run import Run
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.answers import AnswerShelf

WHO = Principal("key_1", "0" * 64, 1, "one", Limits(), account_id="acc_1")
HEADERS = [(b"content-type", b"application/json"), (b"x-request-id", b"gw_1"), (b"server-timing", b"gw;dur=9")]


class Wire:
    """A caller's connection."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)


class Trouble:
    """A store that answers as it is told, and is away as often as it is told."""

    def __init__(self, found: tuple[str, bytes] = ("", b""), away: int = 0) -> None:
        self.found = found
        self.away = away
        self.kept: list[bytes] = []
        self.released = 0

    def _answer(self) -> None:
        self.away -= 1
        if self.away >= 0:
            raise OSError("away")

    async def begin(self, name: Name, mark: bytes, owner: bytes) -> tuple[str, bytes]:
        self._answer()
        return self.found

    async def renew(self, name: Name, mark: bytes, owner: bytes) -> bool:
        self._answer()
        return True

    async def keep(self, name: Name, mark: bytes, owner: bytes, answer: bytes) -> str:
        self._answer()
        self.kept.append(answer)
        return "kept"

    async def release(self, name: Name, owner: bytes) -> None:
        self._answer()
        self.released += 1


def run_of(service: Replay, wire: Wire, name: bytes = b"name-1", body: bytes = b"{}") -> Run:
    scope = {"headers": [(b"idempotency-key", name)], "path": "/v1/chat/completions", "query_string": b""}
    return service.run(WHO, scope, body, Downstream(wire.send))


def beating(service: Replay) -> bool:
    return service._beating is not None


async def answer(run: Run, body: bytes = b'{"a":1}', status: int = 200) -> None:
    await run.down.start(status, HEADERS)
    await run.down.finish(body)


@pytest.fixture
async def shelf(server: embedded.Embedded) -> AsyncIterator[AnswerShelf]:
    opened = AnswerShelf(server.url, lease_ms=1_000)
    yield opened
    await opened.aclose()


@pytest.fixture
async def service(shelf: AnswerShelf) -> AsyncIterator[Replay]:
    made = Replay(shelf)
    yield made
    await made.aclose()


@pytest.mark.parametrize("name", [b"a", b" a-b_C.9:/~! ", b'"quoted"', b"x" * 255])
def test_a_name_is_visible_ascii(name: bytes) -> None:
    assert name_in([(b"host", b"x"), (b"idempotency-key", name)]) == name.strip()
    assert name_in([(b"idempotency-key", name)] * 2) == name.strip()


@pytest.mark.parametrize(
    "names", [(b"",), (b"  ",), (b"a b",), (b"\xc3\xa9",), (b"x" * 256,), (b"\x7f",), (b"a", b"b")]
)
def test_other_names_are_refused(names: tuple[bytes, ...]) -> None:
    with pytest.raises(GatewayError, match="255") as refused:
        name_in([(b"idempotency-key", name) for name in names])
    assert (refused.value.status, refused.value.param) == (400, "Idempotency-Key")


async def test_of_fifty_at_once_one_runs_and_all_have_its_answer(service: Replay) -> None:
    runs = [run_of(service, Wire()) for _ in range(50)]
    begun = await asyncio.gather(*(run.begin() for run in runs), return_exceptions=True)
    assert begun.count(False) == 1
    refused = [one for one in begun if isinstance(one, GatewayError)]
    assert {(one.kind, one.status) for one in refused} == {(ErrorKind.IDEMPOTENCY_IN_FLIGHT, 409)}
    assert len(refused) == 49
    first = runs[begun.index(False)]
    for run in runs:
        if run is not first:
            run.close()
    await answer(first)
    wire = Wire()
    assert await run_of(service, wire).begin()
    head, body = wire.sent
    headers = dict(head["headers"])
    assert (head["status"], body["body"], body["more_body"]) == (200, b'{"a":1}', False)
    assert headers[b"x-request-id"] == b"gw_1"
    assert headers[b"x-fastgw-replayed"] == headers[b"idempotent-replayed"] == b"true"
    assert headers[b"server-timing"] not in {b"", b"gw;dur=9"}
    assert service._held_bytes == 0


async def test_an_error_and_a_cut_exchange_free_the_name(service: Replay) -> None:
    for end in ("error", "cut"):
        run = run_of(service, Wire())
        assert not await run.begin()
        if end == "error":
            await answer(run, status=502)
        run.close()
        async with asyncio.timeout(30):
            while service._ending:
                await asyncio.sleep(0.01)
    assert not await run_of(service, Wire()).begin()


async def test_another_request_is_told_that_the_name_is_taken(service: Replay) -> None:
    assert not await run_of(service, Wire()).begin()
    with pytest.raises(GatewayError) as refused:
        await run_of(service, Wire(), body=b"{ }").begin()
    assert (refused.value.kind, refused.value.status) == (ErrorKind.IDEMPOTENCY_MISMATCH, 422)
    assert refused.value.should_retry is False


async def test_a_long_exchange_keeps_its_name_and_that_of_a_dead_worker_comes_free(
    service: Replay, shelf: AnswerShelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(replay, "BEAT_S", 0.1)
    dead = Replay(shelf)
    assert not await run_of(service, Wire(), b"alive").begin()
    assert not await run_of(dead, Wire(), b"dead").begin()
    await dead.aclose()
    async with asyncio.timeout(30):
        while True:
            try:
                again = run_of(service, Wire(), b"dead")
                assert not await again.begin()
            except GatewayError as refused:
                assert refused.kind is ErrorKind.IDEMPOTENCY_IN_FLIGHT
                await asyncio.sleep(0.05)
            else:
                break
    with pytest.raises(GatewayError, match="still running"):
        await run_of(service, Wire(), b"alive").begin()


async def test_the_heart_stops_when_nothing_runs(service: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BEAT_S", 0.01)
    run = run_of(service, Wire())
    assert not await run.begin()
    assert beating(service)
    await answer(run)
    async with asyncio.timeout(30):
        while beating(service):
            await asyncio.sleep(0.01)
    assert not service._running


async def test_a_store_that_is_away_means_503() -> None:
    store = Trouble(away=1)
    run = run_of(Replay(store), Wire())
    with pytest.raises(GatewayError) as refused:
        await run.begin()
    assert (refused.value.kind, refused.value.status) == (ErrorKind.GATE_UNAVAILABLE, 503)
    # The question may have arrived all the same, so the name is freed.
    run.close()
    async with asyncio.timeout(30):
        while not store.released:
            await asyncio.sleep(0.01)


async def test_a_store_that_stumbles_is_told_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "AGAIN_S", (0.01, 0.01))
    store = Trouble()
    service = Replay(store)
    for away, kept in ((2, 1), (3, 1)):
        run = run_of(service, Wire())
        assert not await run.begin()
        store.away = away
        await answer(run)
        async with asyncio.timeout(30):
            while service._ending:
                await asyncio.sleep(0.01)
        assert len(store.kept) == kept
    assert service._held_bytes == 0
    await service.aclose()


async def test_renewals_survive_a_store_that_is_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay, "BEAT_S", 0.01)
    store = Trouble()
    service = Replay(store)
    assert not await run_of(service, Wire()).begin()
    store.away = 2
    async with asyncio.timeout(30):
        while store.away >= 0:
            await asyncio.sleep(0.01)
    assert service._running
    await service.aclose()


@pytest.mark.parametrize(
    ("state", "kind"),
    [
        ("unkept", ErrorKind.IDEMPOTENCY_NOT_KEPT),
        ("full", ErrorKind.RATE_LIMITED),
        ("running", ErrorKind.IDEMPOTENCY_IN_FLIGHT),
        ("other", ErrorKind.IDEMPOTENCY_MISMATCH),
    ],
)
async def test_what_the_store_says_is_told(state: str, kind: ErrorKind) -> None:
    store = Trouble((state, b""))
    service = Replay(store)
    run = run_of(service, Wire())
    with pytest.raises(GatewayError) as refused:
        await run.begin()
    assert refused.value.kind is kind
    run.close()
    await service.aclose()
    assert not store.released, "the name belongs to another request"


async def test_what_is_held_for_callers_is_bounded(service: Replay, monkeypatch: pytest.MonkeyPatch) -> None:
    first = run_of(service, Wire())
    assert not await first.begin()
    await answer(first)
    monkeypatch.setattr(replay, "HELD_BYTES_MAX", 5)
    with pytest.raises(GatewayError) as refused:
        await run_of(service, Wire()).begin()
    assert refused.value.status == 503
    other = run_of(service, Wire(), b"other")
    assert not await other.begin()
    await answer(other)
    with pytest.raises(GatewayError) as refused:
        await run_of(service, Wire(), b"other").begin()
    assert refused.value.kind is ErrorKind.IDEMPOTENCY_NOT_KEPT


async def test_a_worker_that_stops_tells_the_store_first(shelf: AnswerShelf) -> None:
    service = Replay(shelf)
    run = run_of(service, Wire())
    assert not await run.begin()
    run.close()
    await service.aclose()
    assert not await run_of(Replay(shelf), Wire()).begin()
