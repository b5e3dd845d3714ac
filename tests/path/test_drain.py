"""SIGTERM: readiness goes first, what runs may finish up to a limit, everything is settled, and the exit code is 0."""

import concurrent.futures
import contextlib
import os
import signal
from pathlib import Path

import httpx

from tests.fakes import Answer, End, FakeProvider, answers
from tests.fakes.gateway import PATIENCE_S, Gateway, provider_toml
from tests.path.evidence import CHAT, STREAM, assert_broken_off, rows, tokens, until


def test_running_exchanges_finish(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        gateway = Gateway(tmp_path / "gateway", provider_toml("fake", provider.url), workers=2)
        with gateway, concurrent.futures.ThreadPoolExecutor(4) as pool:
            url = f"{gateway.base_url}/chat/completions"
            provider.default = lambda seen: (
                Answer(answers.sse(gap_s=0.3)) if seen.json.get("stream") else Answer(answers.unary(), delay_s=2.0)
            )
            running = [
                pool.submit(httpx.post, url, json=body, headers=gateway.headers(), timeout=60)
                for body in (CHAT, STREAM, CHAT, STREAM)
            ]
            provider.wait_requests(4)
            with httpx.Client() as kept:
                assert kept.get(f"{gateway.url}/readyz").status_code == 200
                os.kill(gateway.pid, signal.SIGTERM)
                # The kept connection sees readiness fail; a new one, or this one, may find nobody any more.
                until(lambda: not _ready(kept, gateway.url), "/readyz to fail")
            told = [one.result() for one in running]
            assert gateway._process is not None
            assert gateway._process.wait(PATIENCE_S) == 0
        for answer in told:
            assert answer.status_code == 200
        assert told[1].content == told[3].content == b"".join(answers.events(usage=None))
        kept_rows = {row["exchange_id"]: row for row in rows(gateway)}
        assert set(kept_rows) == {answer.headers["x-request-id"] for answer in told}
        assert all(row["outcome"] == "ok" and tokens(row) == (11, 7) for row in kept_rows.values())


def _ready(client: httpx.Client, url: str) -> bool:
    with contextlib.suppress(httpx.TransportError):
        return client.get(f"{url}/readyz", timeout=5).status_code == 200
    return False


def test_what_takes_longer_is_cut_told_and_settled(tmp_path: Path) -> None:
    with FakeProvider() as provider:
        config = "[deadlines]\ndrain_ms = 1000\n" + provider_toml("fake", provider.url)
        gateway = Gateway(tmp_path / "gateway", config)
        with gateway, concurrent.futures.ThreadPoolExecutor(2) as pool:
            url = f"{gateway.base_url}/chat/completions"
            provider.default = lambda seen: Answer(
                answers.sse(answers.events()[:3], end=End.STALL)
                if seen.json.get("stream")
                else answers.STALL_BEFORE_HEAD
            )
            stream, unary = (
                pool.submit(httpx.post, url, json=body, headers=gateway.headers(), timeout=60)
                for body in (STREAM, CHAT)
            )
            (begun,) = (seen for seen in provider.wait_requests(2) if seen.json.get("stream"))
            until(lambda: begun.sent_bytes >= len(b"".join(answers.events()[:3])), "the first events")
            assert gateway.stop() == 0
            assert len(assert_broken_off(stream.result().content, "overloaded")) == 3
            assert unary.result().status_code == 503
            assert int(unary.result().headers["retry-after"]) >= 1
        for seen in provider.requests:
            seen.wait_gone()
        kept = {row["exchange_id"]: row for row in rows(gateway)}
        assert set(kept) == {one.result().headers["x-request-id"] for one in (stream, unary)}
        assert {row["outcome"] for row in kept.values()} == {"drained"}
