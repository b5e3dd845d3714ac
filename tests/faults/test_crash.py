"""`kill -9` of any process in the middle of load: no answered exchange is lost, and none is counted twice."""

import dataclasses
import os
import random
import signal
import threading
from collections import Counter
from pathlib import Path

import httpx
import pytest

from tests.fakes import Answer, FakeProvider, answers
from tests.fakes.gateway import Gateway, provider_toml
from tests.path.evidence import CHAT, STREAM, rows, tokens, until

CLIENTS = 8
EXCHANGES_BETWEEN_KILLS = 60


@dataclasses.dataclass
class Load:
    """What the callers saw, all threads together."""

    answered: list[str] = dataclasses.field(default_factory=list)
    """Exchanges whose answer came whole."""
    begun: set[str] = dataclasses.field(default_factory=set)
    """Exchanges whose head came and whose end did not."""
    refused: Counter[int] = dataclasses.field(default_factory=Counter)
    """Statuses of answers that were no answer of a model."""
    stop: threading.Event = dataclasses.field(default_factory=threading.Event)

    def run(self, gateway: Gateway, seed: int) -> None:
        """Call and call again, over connections that die."""
        dice = random.Random(seed)
        with httpx.Client(timeout=30, headers=gateway.headers()) as client:
            while not self.stop.is_set():
                self._one(client, f"{gateway.base_url}/chat/completions", stream=dice.random() < 0.4)

    def more(self, count: int) -> None:
        """Wait for so many answers more."""
        enough = len(self.answered) + count
        until(lambda: len(self.answered) >= enough, "answers", 60)

    def _one(self, client: httpx.Client, url: str, *, stream: bool) -> None:
        exchange_id = ""
        try:
            with client.stream("POST", url, json=STREAM if stream else CHAT) as answer:
                if answer.status_code == 200:
                    exchange_id = answer.headers["x-request-id"]
                else:
                    self.refused[answer.status_code] += 1
                body = answer.read()
            if exchange_id and (not stream or body == b"".join(answers.events(usage=None))):
                self.answered.append(exchange_id)
                return
        except httpx.TransportError:
            pass
        if exchange_id:
            self.begun.add(exchange_id)
        self.stop.wait(0.02)


def kill(gateway: Gateway, victim: str) -> None:
    """`kill -9` of one process, and the wait for its successor."""
    pid = gateway.pids()[victim]
    os.kill(pid, signal.SIGKILL)
    until(lambda: gateway.pids().get(victim, pid) != pid, f"a new {victim}", 60)


def crash(folder: Path, victims: list[str], seed: int) -> None:
    """Load a gateway, kill one process after another, and compare the rows with what the callers saw."""
    with FakeProvider() as provider:
        # Streams that last let kills hit them half-way.
        provider.default = lambda seen: Answer(
            answers.sse(gap_s=0.01) if seen.json.get("stream") else answers.unary(), delay_s=0.005
        )
        with Gateway(folder / "gateway", provider_toml("fake", provider.url), workers=2) as gateway:
            load = Load()
            threads = [threading.Thread(target=load.run, args=(gateway, seed + number)) for number in range(CLIENTS)]
            for thread in threads:
                thread.start()
            try:
                for victim in victims:
                    load.more(EXCHANGES_BETWEEN_KILLS)
                    kill(gateway, victim)
                load.more(EXCHANGES_BETWEEN_KILLS)
            finally:
                load.stop.set()
                for thread in threads:
                    thread.join(60)
            assert_rows(gateway, provider, load, kills=len(victims))


def assert_rows(gateway: Gateway, provider: FakeProvider, load: Load, kills: int) -> None:
    assert not any(count > 1 for count in Counter(load.answered).values()), "an id was given twice"
    answered = set(load.answered)
    until(lambda: answered <= {row["exchange_id"] for row in rows(gateway)}, "a row for each answer", 60)
    assert gateway.stop() == 0
    found = rows(gateway)
    kept = {row["exchange_id"]: row for row in found}
    assert len(kept) == len(found)
    for exchange_id in answered:
        row = kept.pop(exchange_id)
        assert (row["status"], row["outcome"], row["attempts"]) == (200, "ok", 1)
        assert tokens(row) == (11, 7), row
        assert not row["usage_estimated"]
    # What is left are exchanges that a kill interrupted, at most one for each client.
    assert len(kept) <= CLIENTS * kills, kept
    # While the store is away calls are refused: they are never opened, and leave no row. Nothing else is refused.
    assert set(load.refused) <= {503}, load.refused
    for row in kept.values():
        assert row["outcome"] in {"ok", "orphaned", "client_gone", "upstream_error", "cut"}, row
        if row["outcome"] == "orphaned":
            assert tokens(row) == (0, 0) or row["delivered_bytes"] > 0, "nothing delivered charges nothing"
    # An exchange whose head the caller has seen was sent to the provider, so it must not vanish.
    assert load.begun <= set(kept)
    # An exchange is recorded before its request leaves: a kill in between leaves an orphan that nobody was asked for.
    maybe_unsent = sum(row["outcome"] == "orphaned" and not row["delivered_bytes"] for row in kept.values())
    assert len(found) - maybe_unsent <= len(provider.requests) <= len(found)


@pytest.mark.parametrize("victims", [["worker-0", "keeper", "worker-1"]])
def test_a_killed_worker_and_a_killed_keeper_lose_nothing(tmp_path: Path, victims: list[str]) -> None:
    crash(tmp_path, victims, seed=1)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(5))
def test_many_kills_at_random(tmp_path: Path, seed: int) -> None:
    dice = random.Random(seed)
    crash(tmp_path, [dice.choice(["worker-0", "worker-1", "keeper", "valkey"]) for _ in range(12)], seed * 1_000)


def test_a_killed_supervisor_loses_nothing(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        gateway = Gateway(tmp_path / "gateway", provider_toml("fake", provider.url), workers=2)
        with gateway:
            url = f"{gateway.base_url}/chat/completions"
            told = [httpx.post(url, json=CHAT, headers=gateway.headers()) for _ in range(20)]
            gateway.kill()
            gateway.start()
            ids = {answer.headers["x-request-id"] for answer in told}
            until(lambda: ids <= {row["exchange_id"] for row in rows(gateway)}, "all rows")
            again = httpx.post(f"{gateway.base_url}/chat/completions", json=CHAT, headers=gateway.headers())
            assert again.status_code == 200
            ids.add(again.headers["x-request-id"])
            until(lambda: len(rows(gateway)) >= len(ids), "the last row")
            assert gateway.stop() == 0
            assert sorted(row["exchange_id"] for row in rows(gateway)) == sorted(ids)
            assert {(row["outcome"], tokens(row)) for row in rows(gateway)} == {("ok", (11, 7))}
            assert len(provider.requests) == 21
