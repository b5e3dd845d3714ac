"""One connection that admission speaks over: commands out, answers back in order, nothing else.

redis-py serves everything that is not admission. Here its client would cost more than the decision itself
(docs/adr/0002-admission-store.md has the figures), so this is the least that RESP needs: hiredis to pack and to parse,
a queue of who waits for which answer.
"""

import asyncio
import re
import ssl
from collections import deque
from collections.abc import Callable
from time import monotonic_ns
from typing import Any, cast
from urllib.parse import parse_qs, unquote, urlsplit

import hiredis
import msgspec

Answer = Callable[[Any], None]
"""Takes the answer to one command: a value, a `hiredis.HiredisError`, or `LOST`."""

TIMEOUT_CONNECT_S = 2.0


class Lost:
    """The connection ended before the answer came: nobody knows whether the command was carried out."""


LOST = Lost()


class Place(msgspec.Struct, frozen=True):
    """Where a store is, from its URL."""

    host: str = ""
    port: int = 6379
    path: str = ""
    """Path of a unix socket; then host and port do not count."""
    username: str = ""
    password: str = ""
    database: int = 0
    tls: bool = False
    ca_file: str = ""
    verify: bool = True

    @classmethod
    def of(cls, url: str) -> "Place":
        """`redis://`, `rediss://` (TLS) or `unix://`, in redis-py's spelling; raises `ValueError` for others."""
        parts = urlsplit(url)
        query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
        if parts.scheme not in {"redis", "rediss", "unix"}:
            raise ValueError("the URL of the store starts with redis://, rediss:// or unix://")
        unix = parts.scheme == "unix"
        database = query.get("db") or ("" if unix else parts.path.strip("/")) or "0"
        return cls(
            host=parts.hostname or "localhost",
            port=parts.port or 6379,
            path=unquote(parts.path) if unix else "",
            username=unquote(parts.username or "") or query.get("username", ""),
            password=unquote(parts.password or "") or query.get("password", ""),
            database=int(database),
            tls=parts.scheme == "rediss",
            ca_file=query.get("ssl_ca_certs", ""),
            verify=query.get("ssl_cert_reqs", "required") != "none",
        )


class Link(asyncio.Protocol):
    """One connection. Every answer callback is called exactly once, with `LOST` when the connection ends first."""

    def __init__(self, lost: Callable[[], None]) -> None:
        self._reader = hiredis.Reader()
        self._waiting: deque[tuple[Answer, int]] = deque()
        self._transport: asyncio.Transport | None = None
        self._lost = lost
        self.run = 0
        """Names one life of the server, from its start to its end: 48 bits; 0 where it does not say."""

    @property
    def waiting(self) -> int:
        """How many answers are owed."""
        return len(self._waiting)

    @property
    def oldest_ns(self) -> int:
        """When the oldest unanswered command was sent (monotonic), 0 if none is."""
        return self._waiting[0][1] if self._waiting else 0

    def send(self, command: tuple[Any, ...], answer: Answer) -> None:
        """Write one command; `answer` gets what comes back."""
        if self._transport is None:
            answer(LOST)
            return
        self._waiting.append((answer, monotonic_ns()))
        self._transport.write(hiredis.pack_command(command))

    def abort(self) -> None:
        """End the connection now; owed answers are lost."""
        if self._transport is not None:
            self._transport.abort()
        self.connection_lost(None)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:  # noqa: D102 - asyncio's word
        self._transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:  # noqa: D102 - asyncio's word
        reader = self._reader
        reader.feed(data)
        try:
            while (reply := reader.gets()) is not False:
                if not self._waiting:
                    self.abort()
                    return
                self._waiting.popleft()[0](reply)
        except hiredis.ProtocolError:
            self.abort()

    def connection_lost(self, error: Exception | None) -> None:  # noqa: D102 - asyncio's word
        if self._transport is None:
            return
        self._transport = None
        waiting, self._waiting = self._waiting, deque()
        for answer, _ in waiting:
            answer(LOST)
        self._lost()


async def connect(place: Place, lost: Callable[[], None]) -> Link:
    """Open a connection, log in, choose the database. Raises `OSError` (also for a refused login)."""
    loop = asyncio.get_running_loop()
    try:
        async with asyncio.timeout(TIMEOUT_CONNECT_S):
            if place.path:
                _, link = await loop.create_unix_connection(lambda: Link(lost), place.path)
            else:
                tls = _tls(place) if place.tls else None
                _, link = await loop.create_connection(lambda: Link(lost), place.host, place.port, ssl=tls)
            try:
                await _greet(link, place)
            except BaseException:
                link.abort()
                raise
    except TimeoutError as error:
        raise OSError(f"the store did not answer within {TIMEOUT_CONNECT_S:g} s") from error
    return link


async def _greet(link: Link, place: Place) -> None:
    commands: list[tuple[bytes, ...]] = []
    if place.password:
        login = (place.username, place.password) if place.username else (place.password,)
        commands.append((b"AUTH", *(part.encode() for part in login)))
    if place.database:
        commands.append((b"SELECT", str(place.database).encode()))
    commands.append((b"PING",))
    for command in commands:
        reply = await _ask(link, command)
        if reply is LOST or isinstance(reply, hiredis.HiredisError):
            raise OSError(f"the store refused {command[0].decode()}: {'connection closed' if reply is LOST else reply}")
    facts = await _ask(link, (b"INFO", b"server"))
    if facts is LOST:
        raise OSError("the store closed the connection")
    if isinstance(facts, bytes):
        link.run = run_number(facts.decode())


def run_number(facts: str) -> int:
    """`Link.run` from what `INFO server` says."""
    found = re.search(r"^run_id:([0-9a-f]{12,})", facts, re.MULTILINE)
    return int(found[1][:12], 16) if found else 0


async def _ask(link: Link, command: tuple[bytes, ...]) -> Any:
    future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
    link.send(command, lambda reply: None if future.done() else future.set_result(reply))
    return await future


def _tls(place: Place) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=place.ca_file or None)
    if not place.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context
