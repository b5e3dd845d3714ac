"""A thousand callers at once: plain HTTP/1.1 over many connections, so cheap that the gateway has the machine."""

import asyncio
import json
from collections.abc import Sequence

from tests.money_path.till import Asked, Told

PATIENCE_S = 60.0


def rush(origin: str, asked: Sequence[Asked], *, at_once: int = 200) -> list[Told]:
    """Ask all of it, `at_once` at a time, each over a connection that is kept; the answers are in the same order."""
    return asyncio.run(asyncio.wait_for(_rush(origin, asked, at_once), PATIENCE_S))


async def _rush(origin: str, asked: Sequence[Asked], at_once: int) -> list[Told]:
    host, _, port = origin.removeprefix("http://").rpartition(":")
    waiting = list(enumerate(asked))[::-1]
    told: dict[int, Told] = {}

    async def caller() -> None:
        reader, writer = await asyncio.open_connection(host, int(port))
        try:
            while waiting:
                number, one = waiting.pop()
                writer.write(_request(one))
                told[number] = await _answer(reader)
        finally:
            writer.close()

    async with asyncio.TaskGroup() as group:
        for _ in range(min(at_once, len(asked))):
            group.create_task(caller())
    return [told[number] for number in range(len(asked))]


def _request(asked: Asked) -> bytes:
    body = json.dumps(asked.body).encode()
    headers = asked.headers | {"host": "fastgw", "content-type": "application/json", "content-length": str(len(body))}
    lines = [f"POST {asked.path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items())]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


async def _answer(reader: asyncio.StreamReader) -> Told:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
    pairs = (line.partition(":") for line in head[1:] if line)
    headers = {name.strip().lower(): value.strip() for name, _, value in pairs}
    if "content-length" in headers:
        body = await reader.readexactly(int(headers["content-length"]))
    else:
        body = b""
        while size := int(await reader.readline(), 16):
            body += await reader.readexactly(size)
            await reader.readexactly(2)
        await reader.readexactly(2)
    return Told(int(head[0].split(" ")[1]), headers, body)
