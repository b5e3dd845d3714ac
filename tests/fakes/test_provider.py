"""The fake provider does what it is told: a test that trusts it may be right."""

import json
import socket
import ssl
import time
from pathlib import Path

import httpx
import pytest

from tests.dataplane.upstream.origin.certificates import Certificates
from tests.fakes import Answer, End, FakeProvider, answers

CHAT = {"model": "fake-1", "messages": [{"role": "user", "content": "Hello"}]}


def post(provider: FakeProvider, **more: object) -> httpx.Response:
    return httpx.post(f"{provider.url}/chat/completions", json=CHAT | more, timeout=10)


def test_records_the_request_as_it_came() -> None:
    with FakeProvider() as provider:
        assert post(provider).json()["choices"][0]["message"]["content"] == "Hello from the fake provider."
        (seen,) = provider.requests
        assert seen.method == "POST"
        assert seen.target == "/v1/chat/completions"
        assert json.loads(seen.body) == seen.json == CHAT
        assert seen.header("content-type") == "application/json"
        assert not seen.gone.is_set()
        httpx.get(f"{provider.url}/models")
        assert len(provider.listings) == len(provider.requests) == 1


def test_answers_by_script_then_by_default() -> None:
    with FakeProvider() as provider:
        provider.next(answers.rate_limited("2"), answers.html())
        limited = post(provider)
        assert (limited.status_code, limited.headers["retry-after"]) == (429, "2")
        assert "<html>" in post(provider).text
        stream = post(provider, stream=True, stream_options={"include_usage": True})
        assert stream.text.endswith("data: [DONE]\n\n")
        assert '"prompt_tokens": 11' in stream.text


async def test_serves_a_kept_alive_connection_from_a_loop_that_is_not_its_own() -> None:
    async with FakeProvider() as provider, httpx.AsyncClient() as client:
        for _ in range(3):
            assert (await client.post(f"{provider.url}/chat/completions", json=CHAT)).status_code == 200
        assert provider.connections == 1
        assert len(await provider.until_requests(3)) == 3


@pytest.mark.parametrize("steps", [answers.RESET_BEFORE_HEAD, answers.CLOSE_BEFORE_HEAD, answers.cut_body()])
def test_breaks_off(steps: tuple[answers.Step, ...]) -> None:
    with FakeProvider() as provider:
        provider.next(steps)
        with pytest.raises((httpx.ReadError, httpx.RemoteProtocolError)):
            post(provider)


def test_breaks_off_in_the_middle_of_an_event() -> None:
    with FakeProvider() as provider:
        provider.next(answers.cut_event(End.CLOSE))
        got = b""
        with (
            pytest.raises(httpx.RemoteProtocolError),
            httpx.stream("POST", f"{provider.url}/chat/completions", json=CHAT) as response,
        ):
            for data in response.iter_raw():
                got += data
        assert got.count(b"\n\n") == 3
        assert not got.endswith(b"\n\n")


def test_notices_who_hangs_up_and_when() -> None:
    with FakeProvider() as provider:
        provider.next(answers.sse(answers.events()[:2], end=End.STALL))
        with httpx.stream("POST", f"{provider.url}/chat/completions", json=CHAT) as response:
            # Kept: httpx closes the connection as soon as nobody holds the iterator.
            pieces = response.iter_raw()
            assert next(pieces)
            (seen,) = provider.requests
            assert not seen.gone.wait(0.1)
            left_at = time.monotonic()
        assert seen.wait_gone() >= left_at


def test_writes_chunks_apart() -> None:
    with FakeProvider() as provider:
        provider.next(Answer(answers.sse([b"data: 1\n\n", b"data: 2\n\n"], gap_s=0.2), delay_s=0.2))
        started = time.monotonic()
        with httpx.stream("POST", f"{provider.url}/chat/completions", json=CHAT) as response:
            assert list(response.iter_raw()) == [b"data: 1\n\n", b"data: 2\n\n"]
        assert time.monotonic() - started >= 0.4


def test_refuses_until_it_accepts() -> None:
    with FakeProvider(refusing=True) as provider:
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(("127.0.0.1", provider.port))
        provider.accept()
        assert post(provider).status_code == 200


def test_a_certificate_that_nobody_trusts(tmp_path: Path) -> None:
    certificates = Certificates(tmp_path)
    with FakeProvider(certificates=certificates) as provider:
        with pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"):
            post(provider)
        trusting = ssl.create_default_context(cafile=certificates.ca_file)
        url = f"{provider.url}/chat/completions"
        assert httpx.post(url, json=CHAT, verify=trusting).status_code == 200
