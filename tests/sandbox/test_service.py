"""What the sandbox answers over HTTP: as its knobs say, and to requests that are wrong."""

import time
from typing import Any

import httpx
import pytest


def ask(client: httpx.Client, model: str, content: str = "Hello there", **more: Any) -> httpx.Response:
    return client.post("chat/completions", json=body(model, content, **more))


def body(model: str, content: str = "Hello there", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}]} | more


def test_serves_completions_streams_and_models(client: httpx.Client) -> None:
    answer = ask(client, "echo")
    assert answer.json()["choices"][0]["message"]["content"] == "[sandbox] Hello there"
    assert answer.headers["x-request-id"].startswith("req_sandbox_")
    stream = ask(client, "echo", stream=True)
    assert stream.headers["content-type"].startswith("text/event-stream")
    assert stream.text.endswith("data: [DONE]\n\n")
    assert "echo" in [model["id"] for model in client.get("models").json()["data"]]
    assert client.get("models/echo:chunks=3").json()["id"] == "echo"
    assert client.get("models/none").json()["error"]["code"] == "model_not_found"


def test_waits_as_it_is_told(client: httpx.Client) -> None:
    started = time.monotonic()
    ask(client, "echo:delay_ms=200")
    assert time.monotonic() - started >= 0.2
    started = time.monotonic()
    ask(client, "echo:chunks=5,chunk_ms=50", stream=True)
    assert time.monotonic() - started >= 0.2


def test_fails_as_it_is_told(client: httpx.Client) -> None:
    failed = ask(client, "error:status=429,retry_after_s=7")
    assert (failed.status_code, failed.headers["retry-after"]) == (429, "7")
    assert failed.json()["error"]["type"] == "rate_limit_error"
    assert ask(client, "error").status_code == 500
    assert ask(client, "echo", "!status 503").status_code == 503


@pytest.mark.parametrize("stream", [False, True])
def test_breaks_off_as_it_is_told(client: httpx.Client, stream: bool) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, "cut", stream=stream)
    with pytest.raises(httpx.RemoteProtocolError):
        ask(client, "cut:cut=0", stream=stream)


def test_cuts_a_stream_behind_the_piece_that_was_named(client: httpx.Client) -> None:
    text = ""
    with (
        pytest.raises(httpx.RemoteProtocolError),
        client.stream("POST", "chat/completions", json=body("cut:cut=2", stream=True)) as answer,
    ):
        for piece in answer.iter_text():
            text += piece
    assert text.count('"delta":{"content"') == 2


def test_falls_silent_as_it_is_told(client: httpx.Client) -> None:
    with pytest.raises(httpx.ReadTimeout):
        client.post("chat/completions", json=body("echo:stall=0"), timeout=0.3)
    with (
        pytest.raises(httpx.ReadTimeout),
        client.stream("POST", "chat/completions", json=body("echo:stall=1", stream=True), timeout=0.3) as answer,
    ):
        for piece in answer.iter_text():
            assert "content" in piece


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"\xff\xfe",
        b'{"model":"echo"}',
        b'{"model":"echo","messages":[]}',
        b'{"model":7,"messages":[{"role":"user","content":"x"}]}',
        b'{"model":"echo","messages":[{"role":"user","content":{}}]}',
        b'{"model":"echo","messages":[{"role":"user","content":"x"}],"n":1000000}',
        b'{"model":"echo","messages":[{"role":"user","content":"x"}],"max_tokens":-1}',
        b'{"model":"echo:chunks=99999999999999999999","messages":[{"role":"user","content":"x"}]}',
        b'{"model":"echo","messages":' + b"[" * 200_000,
        b'{"model":"tools","messages":[{"role":"user"}],"tools":[{"type":"function","function":{"name":"f","parameters":'
        + b'{"a":' * 100_000,
        b'{"model":"tools","messages":[{"role":"user"}],"tools":[{"type":"function","function":{"name":"f","parameters":'
        b'{"properties":{"a":{"const":' + b"9" * 5_000 + b"}}}}}]}",
    ],
)
def test_tells_what_is_wrong_with_a_request(client: httpx.Client, content: bytes) -> None:
    answer = client.post("chat/completions", content=content)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"].startswith("[sandbox] ")
    assert ask(client, "echo").status_code == 200


def test_unknown_models_paths_and_methods(client: httpx.Client) -> None:
    unknown = ask(client, "gpt-4o")
    assert (unknown.status_code, unknown.json()["error"]["code"]) == (404, "model_not_found")
    assert client.get("chat/completions").status_code == 405
    assert client.delete("models").status_code == 404
    assert client.get("nowhere").status_code == 404
