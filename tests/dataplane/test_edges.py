"""Health, readiness, and the answers to unknown paths, methods and protocols."""

import asyncio
import os
import socket
from typing import Any

import msgspec
import pytest
from granian.constants import Interfaces

from fastgw.app import worker
from fastgw.dataplane.edges import ByMethod, Hello, Probe, Unknown, UpgradeRefused, dialect_of
from tests.dataplane.caller import Caller


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_a_probe_tells_what_it_is_told(ready: bool, status: int) -> None:
    caller = await Caller(Probe(lambda: ready), "", method="GET").answer()
    assert caller.status == status
    assert b"x-request-id" in caller.headers


async def test_an_unknown_path_is_a_404_in_json_and_head_has_no_body() -> None:
    caller = await Caller(Unknown(), "", path="/" + "x" * 1_000).answer()
    assert (caller.status, msgspec.json.decode(caller.text)["code"]) == (404, "not_found")
    assert len(caller.text) < 1_500
    head = await Caller(Unknown(), "", method="HEAD").answer()
    assert (head.status, head.text) == (404, b"")


async def test_another_method_is_a_405_that_names_the_right_ones() -> None:
    caller = await Caller(ByMethod({"GET": Unknown()}), "", method="POST").answer()
    assert (caller.status, caller.headers[b"allow"]) == (405, b"GET")


async def test_who_asks_whether_anybody_is_there_is_told_so() -> None:
    caller = await Caller(Hello(), "", method="HEAD", path="/api/hello").answer()
    assert (caller.status, caller.text, caller.ended) == (200, b"", True)


UPGRADE = [
    (b"connection", b"Upgrade"),
    (b"upgrade", b"websocket"),
    (b"sec-websocket-version", b"13"),
    (b"sec-websocket-key", b"dGhlIHNhbXBsZSBub25jZQ=="),
]


@pytest.mark.parametrize("path", ["/v1/responses", "/responses"])
async def test_an_upgrade_is_a_426_in_json(path: str) -> None:
    caller = await Caller(UpgradeRefused(), "", method="GET", path=path, headers=UPGRADE).answer()
    assert (caller.status, caller.headers[b"upgrade"], caller.headers[b"connection"]) == (426, b"HTTP/1.1", b"upgrade")
    assert msgspec.json.decode(caller.text)["error"]["code"] == "upgrade_required"
    assert caller.headers[b"x-should-retry"] == b"false"


async def test_a_plain_get_there_is_a_405() -> None:
    caller = await Caller(UpgradeRefused(), "", method="GET", path="/v1/responses", headers=[]).answer()
    assert (caller.status, caller.headers[b"allow"]) == (405, b"POST")
    assert b"upgrade" not in caller.headers


async def test_a_server_that_handles_websockets_itself_is_given_the_same_answer() -> None:
    caller = await Caller(UpgradeRefused(), "", type="websocket", path="/v1/responses", headers=UPGRADE).answer()
    assert [one["type"] for one in caller.sent] == ["websocket.http.response.start", "websocket.http.response.body"]
    assert (caller.status, caller.ended) == (426, True)
    assert b"upgrade" not in caller.headers


@pytest.mark.parametrize("websockets", [False, True])
async def test_over_a_socket_the_426_comes_whole_and_the_connection_goes_on(websockets: bool) -> None:
    """The worker's own server, as it is set up (off), and as it would be once WebSockets are served (on)."""
    refused, by_method = UpgradeRefused(), ByMethod({"GET": UpgradeRefused(), "POST": Unknown()})

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await (refused if scope["type"] == "websocket" else by_method)(scope, receive, send)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        options = {"interface": Interfaces.ASGINL, "websockets": websockets, "log_enabled": False}
        server = worker._Server(app, listen_fd=os.dup(listener.fileno()), **options)
        serving = asyncio.ensure_future(server.serve())
        await worker._listening(server, serving)
        reader, writer = await asyncio.open_connection(*listener.getsockname())
        for fields, status in ((UPGRADE, b"426"), ([], b"405"), (UPGRADE, b"426")):
            lines = [b"GET /v1/responses HTTP/1.1", b"host: x", *(name + b": " + value for name, value in fields)]
            writer.write(b"\r\n".join(lines) + b"\r\n\r\n")
            async with asyncio.timeout(30):
                head = await reader.readuntil(b"\r\n\r\n")
                length = int(head.lower().partition(b"content-length: ")[2].split(b"\r\n")[0])
                body = msgspec.json.decode(await reader.readexactly(length))
            assert head.startswith(b"HTTP/1.1 " + status)
            assert body["code"] == ("upgrade_required" if status == b"426" else "method_not_allowed")
        writer.close()
        server.stop()  # type: ignore[no-untyped-call]
        async with asyncio.timeout(30):
            await serving


def test_an_action_is_googles_also_below_openais_base() -> None:
    for action in ("generateContent", "embedContent", "batchEmbedContents", "countTokens"):
        assert dialect_of(f"/v1/models/a/b:{action}") == "gemini"
    assert dialect_of("/v1/models/a:free") == "chat"
