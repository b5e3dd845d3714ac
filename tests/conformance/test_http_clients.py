"""Clients over HTTP/1.1 and HTTP/2, plain and TLS: each gets a stream as it is written, and is heard leaving."""

import json
import ssl
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.conformance.http2_client import Http2Client
from tests.conformance.spliced import assert_spliced
from tests.dataplane.upstream.origin.certificates import Certificates
from tests.fakes import End, FakeProvider, answers
from tests.fakes.gateway import Gateway, provider_toml

CHAT: dict[str, Any] = {"model": "fake/fake-1", "messages": [{"role": "user", "content": "Hello"}]}


@pytest.fixture(scope="module")
def tls_gateway(
    tmp_path_factory: pytest.TempPathFactory, shared_gateway: tuple[Gateway, FakeProvider]
) -> Iterator[Gateway]:
    """A gateway that speaks TLS, before the same provider."""
    folder = tmp_path_factory.mktemp("tls")
    certificates = Certificates(folder)
    listen = f'[listen]\ntls_cert = "{certificates.server_cert}"\ntls_key = "{certificates.server_key}"\n'
    config = listen + provider_toml("fake", shared_gateway[1].url)
    with Gateway(folder / "gateway", config, ca_file=certificates.ca_file) as gateway:
        yield gateway


@pytest.fixture(params=["plain", "tls"])
def served(request: pytest.FixtureRequest) -> Gateway:
    gateway: Gateway = request.getfixturevalue("gateway" if request.param == "plain" else "tls_gateway")
    return gateway


@pytest.fixture(params=["HTTP/1.1", "HTTP/2"])
def client(request: pytest.FixtureRequest, served: Gateway) -> Iterator[httpx.Client]:
    # Without HTTP/1.1, httpx begins with the preface of HTTP/2 on a plain connection too.
    two = request.param == "HTTP/2"
    with httpx.Client(
        base_url=served.url, headers=served.headers(), verify=served.verify, http1=not two, http2=two, timeout=30
    ) as made:
        assert made.get("/healthz").http_version == request.param
        yield made


def test_unary(client: httpx.Client, provider: FakeProvider) -> None:
    for _ in range(3):
        answer = client.post("/v1/chat/completions", json=CHAT)
        assert answer.status_code == 200
        assert answer.json() == answers.completion()
    assert len(provider.requests) == 3


def test_a_body_that_no_encoder_would_write(client: httpx.Client, provider: FakeProvider) -> None:
    sent = (
        b' {"messages" :\r\n[ {"role":"user", "content":"\\u00fc\\/\\ud83d\\ude00", "a":1, "a":2.50} ],'
        b'\t"x":[1E+2,-0.0,1e400, 1.0],"model":"none","model":"fake\\/fake-1"}\n'
    )
    assert client.post("/v1/chat/completions", content=sent).status_code == 200
    assert_spliced(sent, provider.requests[0])


def test_a_large_body_both_ways(client: httpx.Client, provider: FakeProvider) -> None:
    text = "0123456789abcdef" * 250_000
    provider.next(answers.unary(answers.completion(text)))
    answer = client.post("/v1/chat/completions", json=CHAT | {"messages": [{"role": "user", "content": text}]})
    assert answer.json()["choices"][0]["message"]["content"] == text
    assert provider.requests[0].json["messages"][0]["content"] == text


def test_a_stream_arrives_as_it_is_written_and_whole(client: httpx.Client, provider: FakeProvider) -> None:
    provider.next(answers.sse(gap_s=0.02))
    body = CHAT | {"stream": True, "stream_options": {"include_usage": True}}
    with client.stream("POST", "/v1/chat/completions", json=body) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert "no-store" in answer.headers["cache-control"]
        assert "no-transform" in answer.headers["cache-control"]
        assert answer.headers["x-accel-buffering"] == "no"
        pieces = list(answer.iter_bytes())
    assert b"".join(pieces) == b"".join(answers.events())
    assert len(pieces) > 1


def test_the_first_events_come_while_the_provider_is_silent(client: httpx.Client, provider: FakeProvider) -> None:
    begun = answers.events()[:3]
    provider.next(answers.sse(begun, end=End.STALL))
    with client.stream("POST", "/v1/chat/completions", json=CHAT | {"stream": True}) as answer:
        got = b""
        for piece in answer.iter_bytes():
            got += piece
            if got == b"".join(begun):
                break
        assert not provider.requests[0].done.is_set()
        assert not provider.requests[0].gone.is_set()
    # httpx does not reset a stream of HTTP/2 that it leaves; its end closes the connection.
    client.close()
    provider.requests[0].wait_gone()


def test_leaving_before_the_head_ends_at_the_provider(client: httpx.Client, provider: FakeProvider) -> None:
    provider.next(answers.STALL_BEFORE_HEAD)
    with pytest.raises(httpx.ReadTimeout):
        client.post("/v1/chat/completions", json=CHAT, timeout=0.5)
    client.close()
    provider.requests[0].wait_gone()


def test_a_stream_that_is_reset_ends_at_the_provider_and_its_connection_goes_on(
    served: Gateway, provider: FakeProvider
) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL), answers.STALL_BEFORE_HEAD)
    with Http2Client(served.url, served.headers(), ca_file=served.ca_file) as client:
        begun, waiting = client.post(CHAT | {"stream": True}), client.post(CHAT)
        client.until(lambda: client.body(begun).count(b"\n\n") == 3)
        by_text = {seen.json.get("stream", False): seen for seen in provider.wait_requests(2)}
        assert not by_text[True].gone.is_set()
        client.reset(begun)
        by_text[True].wait_gone()
        assert not by_text[False].gone.is_set()
        client.reset(waiting)
        by_text[False].wait_gone()
        again = client.post(CHAT)
        client.until(lambda: client.ended(again))
        assert json.loads(client.body(again)) == answers.completion()


def test_one_connection_carries_what_follows_an_error(client: httpx.Client, provider: FakeProvider) -> None:
    assert client.post("/v1/chat/completions", json={"model": "none", "messages": []}).status_code in {400, 404}
    assert client.post("/v1/chat/completions", content=b"{").status_code == 400
    provider.next(answers.error(500))
    assert client.post("/v1/chat/completions", json=CHAT).status_code == 502
    assert client.post("/v1/chat/completions", json=CHAT).status_code == 200


def test_tls_offers_http_2_by_alpn(tls_gateway: Gateway) -> None:
    with httpx.Client(verify=tls_gateway.verify, http2=True) as client:
        assert client.get(f"{tls_gateway.url}/healthz").http_version == "HTTP/2"
    with pytest.raises((httpx.ConnectError, ssl.SSLError)):
        httpx.get(f"{tls_gateway.url}/healthz")
