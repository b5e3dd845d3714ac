"""The listening side of the sandbox: a socket, its connections, and the end."""

import asyncio
import socket

from fastgw.sandbox.connection import Connection
from fastgw.sandbox.service import answer

CONNECTIONS_MAX = 4_096
BACKLOG = 1_024


def bind(host: str = "127.0.0.1", port: int = 0) -> socket.socket:
    """A listening socket; port 0 lets the system choose. Raises `OSError`.

    Whoever starts the sandbox may bind it beforehand and hand it over: then the address outlives a restart.
    """
    return socket.create_server(
        (host, port), family=socket.AF_INET6 if ":" in host else socket.AF_INET, backlog=BACKLOG
    )


def base_url(listener: socket.socket) -> str:
    """What goes into a provider's `base_url`: `http://host:port/v1`."""
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}/v1" if ":" in host else f"http://{host}:{port}/v1"


async def serve(listener: socket.socket, stop: asyncio.Event) -> None:
    """Answer on `listener` until `stop` is set, then close every connection and the listener."""
    alive: set[Connection] = set()
    server = await asyncio.get_running_loop().create_server(
        lambda: Connection(answer, alive, CONNECTIONS_MAX), sock=listener, backlog=BACKLOG
    )
    try:
        await stop.wait()
    finally:
        server.close()
        for connection in list(alive):
            connection.close(abort=True)
