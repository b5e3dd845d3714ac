"""The sandbox inside a loop of ours: what a restart keeps, and how it ends."""

import asyncio
import socket

import httpx
import pytest

from fastgw.observe.tasks import spawn
from fastgw.sandbox import server


@pytest.mark.parametrize(("host", "shown"), [("127.0.0.1", "127.0.0.1"), ("::1", "[::1]")])
def test_the_url_fits_a_providers_base_url(host: str, shown: str) -> None:
    with server.bind(host) as listener:
        assert server.base_url(listener) == f"http://{shown}:{listener.getsockname()[1]}/v1"


def test_a_taken_port_is_an_error() -> None:
    with server.bind() as listener, pytest.raises(OSError):
        server.bind(port=listener.getsockname()[1])


async def test_ends_when_it_is_told_and_leaves_no_line_open() -> None:
    listener = server.bind()
    stop = asyncio.Event()
    serving = spawn(server.serve(listener, stop), name="sandbox")
    url = server.base_url(listener)
    async with httpx.AsyncClient() as client:
        assert (await client.get(f"{url}/models")).status_code == 200
        reader, writer = await asyncio.open_connection(*listener.getsockname()[:2])
        stop.set()
        await serving
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 20)
        writer.close()
        with pytest.raises(httpx.TransportError):
            await client.get(f"{url}/models")


async def test_an_address_that_was_bound_beforehand_outlives_a_restart() -> None:
    with server.bind() as listener:
        url = server.base_url(listener)
        for _ in range(2):
            stop = asyncio.Event()
            copy = socket.socket(fileno=listener.dup().detach())
            serving = spawn(server.serve(copy, stop), name="sandbox")
            async with httpx.AsyncClient() as client:
                assert (await client.get(f"{url}/models")).status_code == 200
            stop.set()
            await serving
