"""The connection of admission: URLs, login, database, TLS, and the end of a connection."""

import asyncio
import ssl
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import hiredis
import pytest
import trustme
from redis.asyncio import Redis

from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.link import LOST, Link, Place, connect


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://h", Place(host="h")),
        ("redis://u:p%40@h:1/2", Place(host="h", port=1, username="u", password="p@", database=2)),
        ("rediss://:p@h", Place(host="h", password="p", tls=True)),
        ("rediss://h?ssl_cert_reqs=none", Place(host="h", tls=True, verify=False)),
        ("unix:///run/v.sock?db=3", Place(host="localhost", path="/run/v.sock", database=3)),
    ],
)
def test_urls_mean_what_they_mean_to_redis_py(url: str, place: Place) -> None:
    assert Place.of(url) == place


def test_other_urls_are_refused() -> None:
    with pytest.raises(ValueError, match="redis://"):
        Place.of("http://h")


async def ask(link: Link, *command: bytes) -> Any:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.send(command, future.set_result)
    async with asyncio.timeout(20):
        return await future


@pytest.fixture
async def guarded(server: embedded.Embedded) -> AsyncIterator[str]:
    """The path of a server with a password."""
    async with Redis.from_url(server.url) as redis:
        await redis.config_set("requirepass", "secret")
    yield server.url.removeprefix("unix://")


async def test_login_and_database(guarded: str) -> None:
    link = await connect(Place.of(f"unix://:secret@{guarded}?db=2"), lambda: None)
    assert b"db=2 " in await ask(link, b"CLIENT", b"INFO")
    link.abort()


async def test_a_refused_login_is_an_os_error_without_the_password(guarded: str) -> None:
    with pytest.raises(OSError, match="refused AUTH") as refused:
        await connect(Place.of(f"unix://:wrong-word@{guarded}"), lambda: None)
    assert "wrong-word" not in str(refused.value)


async def test_answers_come_in_order_and_errors_are_values(server: embedded.Embedded) -> None:
    link = await connect(Place.of(server.url), lambda: None)
    answers: list[Any] = []
    for n in range(50):
        link.send((b"ECHO", b"%d" % n), answers.append)
    assert isinstance(await ask(link, b"NONSENSE"), hiredis.HiredisError)
    assert answers == [b"%d" % n for n in range(50)]
    link.abort()


async def test_the_end_of_a_connection_is_told_once_to_all_who_wait(server: embedded.Embedded) -> None:
    lost: list[bool] = []
    answers: list[Any] = []
    link = await connect(Place.of(server.url), lambda: lost.append(True))
    link.send((b"BLPOP", b"nothing", b"0"), answers.append)
    link.abort()
    link.abort()
    link.send((b"PING",), answers.append)
    assert (answers, lost) == ([LOST, LOST], [True])


async def test_tls_with_a_private_authority(server: embedded.Embedded, tmp_path: Path) -> None:
    authority = trustme.CA()
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("localhost").configure_cert(context)
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            writer.write(data)
        writer.close()

    async def relay(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inner = await asyncio.open_unix_connection(server.url.removeprefix("unix://"))
        await asyncio.gather(pump(reader, inner[1]), pump(inner[0], writer), return_exceptions=True)

    front = await asyncio.start_server(relay, "127.0.0.1", 0, ssl=context)
    port = front.sockets[0].getsockname()[1]
    link = await connect(Place.of(f"rediss://localhost:{port}?ssl_ca_certs={tmp_path}/ca.pem"), lambda: None)
    assert await ask(link, b"ECHO", b"hello") == b"hello"
    link.abort()
    with pytest.raises(OSError, match=r"(?i)certificate"):
        await connect(Place.of(f"rediss://localhost:{port}"), lambda: None)
    front.close()
