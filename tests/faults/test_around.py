"""What fails around an exchange: the caller leaves, the store is away, the disk is full."""

import concurrent.futures
import os
import resource
import signal
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from fastgw.storage.valkey import embedded
from tests.fakes import Answer, FakeProvider, answers
from tests.fakes.gateway import Gateway, provider_toml
from tests.faults.conftest import Bed
from tests.path.evidence import BODIES, CHAT, STREAM, assert_error, mint, row_of, rows, tokens, until


@pytest.mark.parametrize("body", BODIES)
def test_client_gone_before_the_head(bed: Bed, body: dict[str, Any]) -> None:
    known = gone(bed.gateway)
    bed.provider.default = lambda _: Answer(answers.STALL_BEFORE_HEAD)
    with pytest.raises(httpx.ReadTimeout):
        httpx.post(
            f"{bed.gateway.base_url}/chat/completions", json=body, headers=bed.gateway.headers(bed.key), timeout=0.4
        )
    bed.provider.requests[0].wait_gone()
    row = new_row(bed.gateway, known)
    assert (row["status"], row["outcome"], row["error"]) == (499, "client_gone", "client_gone")
    # The provider has the prompt and will charge for it.
    assert tokens(row)[0] > 0
    assert row["usage_estimated"]


def test_client_gone_in_a_stream(bed: Bed) -> None:
    known = gone(bed.gateway)
    bed.provider.default = lambda _: Answer(answers.sse(answers.events()[:3], end=answers.End.STALL))
    url = f"{bed.gateway.base_url}/chat/completions"
    with httpx.stream("POST", url, json=STREAM, headers=bed.gateway.headers(bed.key), timeout=30) as answer:
        assert answer.status_code == 200
        pieces = answer.iter_raw()
        assert next(pieces)
    bed.provider.requests[0].wait_gone()
    row = new_row(bed.gateway, known)
    assert row["exchange_id"] == answer.headers["x-request-id"]
    assert (row["status"], row["outcome"]) == (499, "client_gone")
    taken, given = tokens(row)
    assert taken > 0
    assert given > 0
    assert row["usage_estimated"]


def gone(gateway: Gateway) -> set[str]:
    """Exchanges whose client has gone."""
    return {row["exchange_id"] for row in rows(gateway) if row["status"] == 499}


def new_row(gateway: Gateway, known: set[str]) -> dict[str, Any]:
    (exchange_id,) = until(lambda: gone(gateway) - known, "the row")
    (row,) = rows(gateway, exchange_id)
    return row


@pytest.fixture
def own_store(tmp_path: Path) -> Iterator[tuple[Gateway, embedded.Embedded]]:
    """A gateway whose store nobody starts again."""
    store = embedded.start(tmp_path / "store")
    try:
        with FakeProvider() as provider:
            config = provider_toml("fake", provider.url)
            with Gateway(tmp_path / "gateway", config, environ={"FASTGW_REDIS_URL": store.url}) as gateway:
                yield gateway, store
    finally:
        store.process.send_signal(signal.SIGCONT)
        store.stop()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP])
def test_valkey_down(own_store: tuple[Gateway, embedded.Embedded], number: signal.Signals) -> None:
    gateway, store = own_store
    url = f"{gateway.base_url}/chat/completions"
    unknown = mint(gateway)[1]
    assert httpx.post(url, json=CHAT, headers=gateway.headers()).status_code == 200
    store.process.send_signal(number)
    for body in BODIES:
        # A key without a balance to guard goes on with the worker's own buckets.
        answer = httpx.post(url, json=body, headers=gateway.headers(), timeout=30)
        assert answer.status_code == 200, answer.text
        row = row_of(gateway, answer)
        assert (row["status"], row["outcome"], tokens(row)) == (200, "ok", (11, 7))
        # One that this worker has never seen cannot be told from a wrong one.
        refused = httpx.post(url, json=body, headers=gateway.headers(unknown), timeout=30)
        assert_error(refused, 503, "gate_unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert not rows(gateway, refused.headers["x-request-id"])


def test_a_store_that_comes_back_is_used_again(tmp_path: Path) -> None:
    with FakeProvider() as provider, Gateway(tmp_path / "gateway", provider_toml("fake", provider.url)) as gateway:
        url = f"{gateway.base_url}/chat/completions"
        assert httpx.post(url, json=CHAT, headers=gateway.headers()).status_code == 200
        key = mint(gateway, "--rpm", "1")[1]
        before = gateway.pids()["valkey"]
        os.kill(before, signal.SIGKILL)
        until(lambda: gateway.pids().get("valkey", before) != before, "a new Valkey")
        until(lambda: httpx.post(url, json=CHAT, headers=gateway.headers(key)).status_code == 200, "the new key")
        until(lambda: httpx.post(url, json=CHAT, headers=gateway.headers(key)).status_code == 429, "its limit")


LONG_NAME = "ü" * 240
"""Fills the journal with few exchanges; still a name that a record can hold."""


@pytest.mark.skipif(sys.platform != "linux", reason="another process's limits can be set on Linux only")
def test_disk_full_for_the_journal(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        config = provider_toml("fake", provider.url, more="any_model = true")
        with Gateway(tmp_path / "gateway", config) as gateway, httpx.Client(headers=gateway.headers()) as client:
            url = f"{gateway.base_url}/chat/completions"
            provider.default = lambda seen: Answer(
                answers.sse(answers.events(), gap_s=0.5) if seen.json.get("stream") else answers.unary()
            )
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                worker = psutil.Process(gateway.pids()["worker-0"])
                # No file may grow beyond this: to the journal the same as a disk without space, at the same call.
                worker.rlimit(resource.RLIMIT_FSIZE, (1 << 20, resource.RLIM_INFINITY))
                running: concurrent.futures.Future[httpx.Response] | None = None
                told: list[httpx.Response] = []
                for _ in range(400):
                    body = CHAT | {"model": f"fake/{LONG_NAME}"}
                    told += pool.map(lambda _, body=body: client.post(url, json=body, timeout=60), range(16))
                    if running is None and len(told) > 1_000:
                        running = pool.submit(client.post, url, json=STREAM, timeout=60)
                    if told[-1].status_code != 200:
                        break
                assert len(told) > 1_000, told[-1].text

                # Calls side by side are refused a little early: each of them has room reserved for its end.
                def refusal(body: dict[str, Any] = CHAT) -> httpx.Response | None:
                    told.append(client.post(url, json=body, timeout=60))
                    return told[-1] if told[-1].status_code != 200 else None

                refused = until(refusal, "the last room to be taken")
                assert_error(refused, 503, "overloaded")
                assert int(refused.headers["retry-after"]) >= 1
                assert_error(until(lambda: refusal(STREAM), "the same for a stream"), 503, "overloaded")
                # What runs is settled from the reserve.
                assert running is not None
                stream = running.result(60)
                assert stream.content.endswith(b"data: [DONE]\n\n")
                assert row_of(gateway, stream)["outcome"] == "ok"
            worker.rlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
            until(lambda: client.post(url, json=CHAT).status_code == 200, "the journal to have space again")
            answered = {answer.headers["x-request-id"] for answer in told if answer.status_code == 200}
            until(lambda: answered <= {row["exchange_id"] for row in rows(gateway)}, "all rows")
            assert not rows(gateway, refused.headers["x-request-id"])
