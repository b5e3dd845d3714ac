"""The bench's fake provider answers as OpenAI does, over every protocol that is measured."""

import socket
import ssl
import time
from typing import Any, cast

import httpx
import msgspec
import pytest
from openai import AsyncOpenAI, AsyncStream
from openai.types.chat import ChatCompletion, ChatCompletionChunk

from bench import payloads
from bench.upstream import Upstream

MESSAGES: Any = [{"role": "user", "content": "Hello"}]


@pytest.mark.parametrize(("tls", "http2"), [(False, False), (True, False), (True, True)])
async def test_the_official_sdk_accepts_every_answer(upstream: Upstream, tls: bool, http2: bool) -> None:
    trust: ssl.SSLContext | bool = ssl.create_default_context(cafile=str(upstream.ca_file)) if tls else True
    async with httpx.AsyncClient(http2=http2, verify=trust, trust_env=False) as transport:
        origin = upstream.origin(tls)
        client = AsyncOpenAI(api_key="x", base_url=f"{origin}/v1", http_client=cast(Any, transport))
        answer: ChatCompletion = await client.chat.completions.create(model=payloads.MODEL, messages=MESSAGES)
        assert answer.choices[0].message.content
        assert answer.usage is not None
        assert answer.usage.total_tokens == 549
        stream: AsyncStream[ChatCompletionChunk] = await client.chat.completions.create(
            model=payloads.MODEL,
            messages=MESSAGES,
            stream=True,
            user="events=7;pace=200",
        )
        events = [event async for event in stream]
        assert sum(bool(event.choices and event.choices[0].delta.content) for event in events) == 7
        assert events[-1].usage is not None
        assert [model.id async for model in await client.models.list()] == [payloads.MODEL]


def test_a_request_is_understood_however_it_is_cut(upstream: Upstream) -> None:
    body = payloads.request_body()
    head = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n" % len(body)
    chunked = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ntransfer-encoding: chunked\r\n\r\n"
    chunked += b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    with socket.create_connection(("127.0.0.1", upstream.port)) as connection:
        connection.settimeout(10)
        # Whole (unknown head), whole (known head), in two pieces, chunked, and whole again on the same connection.
        for pieces in ([head + body], [head + body], [head, body], [chunked[:300], chunked[300:]], [head + body]):
            for piece in pieces:
                connection.sendall(piece)
                time.sleep(0.02)
            answer = b""
            while not answer.endswith(payloads.ANSWER):
                received = connection.recv(65_536)
                assert received, answer
                answer += received
            assert answer.startswith(b"HTTP/1.1 200 OK\r\n")


def test_a_stream_that_the_client_leaves_counts_as_aborted(upstream: Upstream) -> None:
    before = upstream.stats()
    body = payloads.request_body(events=100_000, pace=10)
    with socket.create_connection(("127.0.0.1", upstream.port)) as connection:
        connection.sendall(b"POST /v1/chat/completions HTTP/1.1\r\ncontent-length: %d\r\n\r\n" % len(body) + body)
        assert connection.recv(1000)
        assert upstream.stats()["streams_open"] == before["streams_open"] + 1
    deadline = time.monotonic() + 10
    while upstream.stats()["streams_aborted"] == before["streams_aborted"]:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    assert upstream.stats()["streams_open"] == before["streams_open"]


def test_payloads_are_what_the_page_says() -> None:
    assert 1_000 < len(payloads.request_body()) < 3_000
    assert 800 < len(payloads.ANSWER) < 1_200
    assert payloads.stream_plan(payloads.request_body()) is None
    assert payloads.stream_plan(payloads.request_body(events=50, pace=7)) == (50, 7)
    event = payloads.event(1234)
    assert len(event) == payloads.EVENT_BYTES
    content = msgspec.json.decode(event.removeprefix(b"data: "))["choices"][0]["delta"]["content"]
    assert content == "t=0000000000001234 word"
