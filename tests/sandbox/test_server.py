"""The sandbox as a process on a real socket."""

import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from fastgw.sandbox import launch, server
from fastgw.sandbox.connection import HEAD_BYTES_MAX, PIPELINED_MAX
from tests.fakes.gateway import PATIENCE_S, ROOT


def ask(client: httpx.Client, model: str, content: str = "Hello there", **more: Any) -> httpx.Response:
    return client.post("chat/completions", json=body(model, content, **more))


def body(model: str, content: str = "Hello there", **more: Any) -> dict[str, Any]:
    return {"model": model, "messages": [{"role": "user", "content": content}]} | more


def raw(base_url: str, *pieces: bytes, pause_s: float = 0.0) -> bytes:
    """Send bytes as they are; the result is everything until the sandbox closes."""
    url = httpx.URL(base_url)
    got = b""
    with socket.create_connection((url.host, url.port or 80), timeout=30) as line:
        for piece in pieces:
            line.sendall(piece)
            time.sleep(pause_s)
        try:
            while data := line.recv(65_536):
                got += data
        except ConnectionResetError:
            pass
    return got


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


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b" 400 "),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", b" 400 "),
        (b"GET / HTTP/1.1\r\n" + b"a" * (HEAD_BYTES_MAX + 10), b" 431 "),
        (b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * (HEAD_BYTES_MAX // 6 + 10), b" 431 "),
        (b"POST / HTTP/1.1\r\ncontent-length: 99999999999999999999999\r\n\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", b" 400 "),
        (b"POST / HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n", b" 400 "),
        (b"GET / HTTP/1.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n", b" 400 "),
    ],
)
def test_refuses_what_is_no_request_and_goes_on(
    base_url: str, client: httpx.Client, sent: bytes, status: bytes
) -> None:
    got = raw(base_url, sent)
    assert status in got.partition(b"\r\n")[0] + b" ", got[:200]
    assert ask(client, "echo").status_code == 200


def test_too_many_pipelined_requests_end_the_line(base_url: str, client: httpx.Client) -> None:
    payload = msgspec.json.encode(body("echo:delay_ms=100"))
    one = b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\ncontent-length: %d\r\n\r\n%b" % (len(payload), payload)
    got = raw(base_url, one * (PIPELINED_MAX * 3))
    assert got.count(b"HTTP/1.1 ") <= 2
    assert ask(client, "echo").status_code == 200


def test_pipelined_and_dribbled_requests_are_answered_in_order(base_url: str) -> None:
    one, two = (msgspec.json.encode(body("echo", text)) for text in ("first", "second"))
    requests = b"".join(
        b"POST /v1/chat/completions HTTP/1.1\r\nhost: x\r\nconnection: %b\r\ncontent-length: %d\r\n\r\n%b"
        % (mode, len(data), data)
        for mode, data in ((b"keep-alive", one), (b"close", two))
    )
    for pieces in ([requests], [requests[i : i + 1] for i in range(len(requests))]):
        got = raw(base_url, *pieces)
        assert got.count(b"HTTP/1.1 200") == 2
        assert got.index(b"first") < got.index(b"second")


def test_a_client_of_http_1_0_gets_a_plain_body(base_url: str) -> None:
    payload = msgspec.json.encode(body("echo", stream=True))
    head = b"POST /v1/chat/completions HTTP/1.0\r\ncontent-length: %d\r\n\r\n" % len(payload)
    got = raw(base_url, head + payload)
    assert b"transfer-encoding" not in got
    assert got.endswith(b"data: [DONE]\n\n")


def test_a_body_that_is_announced_is_asked_for(base_url: str) -> None:
    payload = msgspec.json.encode(body("echo"))
    head = (
        b"POST /v1/chat/completions HTTP/1.1\r\nexpect: 100-continue\r\nconnection: close\r\ncontent-length: %d\r\n\r\n"
    )
    got = raw(base_url, head % len(payload), payload, pause_s=0.1)
    assert got.startswith(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200")


def test_ends_with_whoever_started_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    with server.bind() as listener:
        url = server.base_url(listener)
        command = launch.command(listen_fd=listener.fileno(), lifeline_fd=read)
        fds = (listener.fileno(), read)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=fds, cwd=ROOT) as process:
            os.close(read)
            assert process.stdout is not None
            assert process.stdout.readline().strip() == url
            assert httpx.get(f"{url}/models").status_code == 200
            os.close(write)
            assert process.wait(PATIENCE_S) == 0


def test_tells_its_port_and_says_when_it_cannot_have_one(tmp_path: Path) -> None:
    file = tmp_path / "port"
    command = [sys.executable, "-m", "fastgw.sandbox", "--port-file", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        port = int(file.read_text())
        assert url == f"http://127.0.0.1:{port}/v1"
        taken = subprocess.run(launch.command(port=port), capture_output=True, text=True, cwd=ROOT, check=False)
        assert taken.returncode == 1
        assert f"port {port}" in taken.stderr
        assert "Traceback" not in taken.stderr
        process.terminate()


def test_loads_nothing_of_the_gateway() -> None:
    probe = (
        "import fastgw.sandbox.__main__, sys\n"
        "heavy = {'starlette', 'httpx', 'redis', 'sqlalchemy', 'granian'} & set(sys.modules)\n"
        "own = {name for name in sys.modules if name.startswith('fastgw.') and not name.startswith('fastgw.sandbox')}\n"
        "print(*sorted(own | heavy))"
    )
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told.stdout.split() == ["fastgw.clock", "fastgw.observe", "fastgw.observe.tasks"]
