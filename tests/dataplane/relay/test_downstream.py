"""The one writer of an answer: order, comments in the silences, and nothing behind the end."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from fastgw.dataplane.relay.downstream import KEEPALIVE, STREAM_HEADERS, Downstream


class Server:
    """Takes what is sent; while `open` is cleared, a body waits."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []
        self.open = asyncio.Event()
        self.open.set()

    async def send(self, message: MutableMapping[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await self.open.wait()
        self.sent.append(message)

    @property
    def text(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent)


async def test_a_comment_brings_the_head_along_and_the_next_write_waits_for_it() -> None:
    server = Server()
    down = Downstream(server.send)
    down.hold(lambda: list(STREAM_HEADERS))
    server.open.clear()
    down.keep_alive(1)
    await asyncio.sleep(0)
    assert down.busy
    writing = asyncio.create_task(down.write(b"data: 1\n\n", 2))
    await asyncio.sleep(0)
    server.open.set()
    await writing
    await down.finish(b"data: [DONE]\n\n")
    assert [one["type"] for one in server.sent].count("http.response.start") == 1
    assert server.text == KEEPALIVE + b"data: 1\n\ndata: [DONE]\n\n"
    assert not server.sent[-1]["more_body"]


async def test_what_is_pushed_during_a_comment_follows_it() -> None:
    server = Server()
    down = Downstream(server.send)
    await down.start(200, [])
    server.open.clear()
    down.keep_alive(1)
    await asyncio.sleep(0)
    assert not down.push(b"data: 1\n\n")
    server.open.set()
    await down.caught_up()
    assert server.text == KEEPALIVE + b"data: 1\n\n"


async def test_no_comment_during_a_write_or_behind_the_end() -> None:
    server = Server()
    down = Downstream(server.send)
    await down.start(200, [])
    server.open.clear()
    writing = asyncio.create_task(down.write(b"data: 1\n\n", 1))
    await asyncio.sleep(0)
    down.keep_alive(2)
    server.open.set()
    await writing
    await down.finish(b"")
    down.keep_alive(3)
    await asyncio.sleep(0.01)
    assert server.text == b"data: 1\n\n"


async def test_a_wait_that_is_cancelled_leaves_the_writer_busy() -> None:
    server = Server()
    down = Downstream(server.send)
    await down.start(200, [])
    server.open.clear()
    down.keep_alive(1)
    await asyncio.sleep(0)
    writing = asyncio.create_task(down.write(b"data: 1\n\n", 2))
    await asyncio.sleep(0)
    writing.cancel()
    await asyncio.wait([writing])
    assert down.busy
