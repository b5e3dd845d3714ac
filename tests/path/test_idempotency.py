"""`Idempotency-Key` before a whole gateway with two workers: connections that are lost, and requests that race."""

import concurrent.futures
import json
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from tests.fakes import Answer, End, FakeProvider, answers
from tests.fakes.gateway import Gateway, provider_toml
from tests.path.conftest import Ground
from tests.path.evidence import CHAT, STREAM, assert_error, row_of, rows, until


def named(path: Ground) -> dict[str, str]:
    return path.gateway.headers() | {"idempotency-key": str(uuid.uuid4())}


@pytest.mark.parametrize("body", [CHAT, STREAM])
def test_a_lost_connection_costs_no_second_answer(path: Ground, body: dict[str, Any]) -> None:
    stream = bool(body.get("stream"))
    headers = named(path)
    path.provider.next(answers.sse(gap_s=0.2) if stream else Answer(answers.unary(), delay_s=1.5))
    with httpx.Client(timeout=0.8) as lost:
        if stream:
            with lost.stream("POST", path.url, json=body, headers=headers) as answer:
                first_id = answer.headers["x-request-id"]
                next(answer.iter_bytes())
        else:
            with pytest.raises(httpx.ReadTimeout):
                lost.post(path.url, json=body, headers=headers)
    again = until(lambda: found if (found := path.post(body, headers=headers)).status_code != 409 else None, "a replay")
    assert (again.status_code, again.headers["x-fastgw-replayed"]) == (200, "true")
    if stream:
        assert again.content == b"".join(answers.events(usage=None))
        assert again.headers["x-request-id"] == first_id
    else:
        assert again.json() == answers.completion()
    assert len(path.provider.requests) == 1
    assert row_of(path.gateway, again)["outcome"] == "ok"
    assert path.post(body, headers=headers).content == again.content


def test_of_racing_requests_one_is_asked_by_either_worker(path: Ground) -> None:
    headers = named(path)
    path.provider.next(Answer(answers.unary(), delay_s=0.5))
    with concurrent.futures.ThreadPoolExecutor(20) as crowd:
        told = list(crowd.map(lambda _: path.post(CHAT, headers=headers), range(20)))
    assert {one.status_code for one in told} <= {200, 409}
    for one in told:
        if one.status_code == 409:
            assert_error(one, 409, "idempotency_in_flight")
    assert len(path.provider.requests) == 1
    replays = [path.post(CHAT, headers=headers) for _ in range(6)]
    assert {json.dumps(one.json()) for one in replays} == {json.dumps(answers.completion())}
    (only,) = {one.headers["x-request-id"] for one in replays}
    assert len(until(lambda: rows(path.gateway, only), "its row")) == 1


def test_an_error_frees_the_name_at_once(path: Ground) -> None:
    headers = named(path)
    for _ in range(3):
        path.provider.next(answers.error(500))
        assert path.post(CHAT, headers=headers).status_code == 502
    assert path.post(CHAT, headers=headers).status_code == 200


@pytest.mark.long
def test_what_a_killed_worker_left_comes_free_in_a_minute(tmp_path: Path) -> None:
    with FakeProvider() as provider, Gateway(tmp_path, provider_toml("fake", provider.url), workers=2) as gateway:
        url = f"{gateway.base_url}/chat/completions"
        headers = gateway.headers() | {"idempotency-key": "killed"}
        provider.next([End.STALL])

        def ask() -> httpx.Response | None:
            try:
                return httpx.post(url, json=CHAT, headers=headers, timeout=30)
            except httpx.TransportError:
                return None

        first = threading.Thread(target=ask)
        first.start()
        provider.wait_requests(1)
        for name, pid in gateway.pids().items():
            if "worker" in name:
                psutil.Process(pid).kill()
        first.join(30)

        def answered() -> httpx.Response | None:
            time.sleep(0.3)
            told = ask()
            return told if told is not None and told.status_code == 200 else None

        again = until(answered, "the name of the killed worker to come free", patience_s=90)
        assert "x-fastgw-replayed" not in again.headers
        assert until(answered, "a replay").headers["x-fastgw-replayed"] == "true"
        assert len(provider.requests) == 2
