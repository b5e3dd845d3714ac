"""Fetches the pictures and PDFs that callers name by URL.

A caller must not be able to look through the gateway into the operator's network (server-side request forgery). So the
host is resolved here, every one of its addresses is checked, and the connection goes to a checked address itself,
never through a second resolution and never through a proxy, which would resolve again. Each redirect is a new URL.
What comes back is passed on only if its own bytes say that it is a picture or a PDF, and messages name the caller's
host and never an address or where a redirect led.
"""

import asyncio
import base64
import logging
import socket
from collections.abc import Sequence
from contextlib import AsyncExitStack
from urllib.parse import urljoin

import msgspec

from fastgw.dataplane.upstream.fetch.addresses import Guard, NotPublic
from fastgw.dataplane.upstream.fetch.place import Place, Unfit, place_of, shown
from fastgw.dataplane.upstream.fetch.room import CallRoom, WorkerRoom, busy
from fastgw.dataplane.upstream.transport import Failure, Request, Response, TransportError
from fastgw.dataplane.upstream.wire import WireBounds, WireTransport
from fastgw.dataplane.upstream.wire.names import Lookup, look_up
from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.coding import CODINGS, CodingError, Inflater, TooLarge
from fastgw.protocols.hub.conversation import Source
from fastgw.protocols.hub.media import SNIFF_BYTES, sniff
from fastgw.settings.hosts import hosts_and_ports
from fastgw.settings.values import ProviderTls

_log = logging.getLogger("fastgw.fetch")

MEDIA_TYPES = frozenset(
    {
        "application/pdf",
        "image/avif",
        "image/bmp",
        "image/gif",
        "image/heic",
        "image/heif",
        "image/jpeg",
        "image/png",
        "image/tiff",
        "image/webp",
    }
)
_OFF_LOOP_BYTES = 256 * 1024
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_HEADERS = (
    (b"accept", b"image/*, application/pdf"),
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"fastgw"),
)


class FetchBounds(msgspec.Struct, frozen=True):
    """Every limit of the fetching."""

    urls_per_call_max: int = 100
    bytes_each_max: int = 20 * 1024 * 1024
    """Of one medium, after inflating."""
    bytes_per_call_max: int = 50 * 1024 * 1024
    redirects_max: int = 3
    timeout_each_ms: int = 10_000
    """From the first name lookup to the last byte, redirects included."""
    timeout_call_ms: int = 30_000
    at_once_per_call_max: int = 4
    at_once_max: int = 64
    """Of a worker."""
    bytes_at_once_max: int = 256 * 1024 * 1024
    """Of a worker: what its calls have fetched while they wait for the rest; beyond it, 503."""
    wait_ms: int = 5_000
    """For a place among those `at_once_max`; then 503."""


class Fetcher:
    """Implements `stages.MediaFetcher`; to be used by the tasks of one event loop."""

    def __init__(
        self,
        allow_hosts: frozenset[str] = frozenset(),
        *,
        bounds: FetchBounds | None = None,
        tls: ProviderTls | None = None,
        lookup: Lookup = look_up,
    ) -> None:
        """`allow_hosts` (`host` or `host:port`) may have private addresses, and other ports. Raises `ValueError`."""
        self._bounds = bounds or FetchBounds()
        self._allow_hosts = hosts_and_ports(allow_hosts)
        self._places = asyncio.Semaphore(self._bounds.at_once_max)
        self._room = WorkerRoom(self._bounds.bytes_at_once_max)
        # Nothing of the providers' is shared: not their connections, nor the threads that look up their names.
        wire = WireBounds(http1_connections_per_origin_max=self._bounds.at_once_max, origins_max=256, idle_ms=2_000)
        self._transport = WireTransport(
            {"": tls or ProviderTls()}, bounds=wire, resolve=Guard(self._allow_hosts), lookup=lookup
        )

    async def fetch_all(self, urls: Sequence[str]) -> dict[str, Source]:
        """The media behind `urls` by URL, as base64 with the type that their bytes tell.

        Raises `GatewayError`: BAD_REQUEST for the first that may not or cannot be fetched, OVERLOADED.
        """
        bounds = self._bounds
        wanted = list(dict.fromkeys(urls))
        if len(wanted) > bounds.urls_per_call_max:
            raise GatewayError(
                ErrorKind.BAD_REQUEST,
                f"A request may name at most {bounds.urls_per_call_max} images and documents by URL for this model; "
                "send the rest as base64.",
            )
        turn = asyncio.Semaphore(bounds.at_once_per_call_max)
        with self._room.of_call(bounds.bytes_per_call_max) as room:
            # Not a timeout around a task group: on Python 3.11.2 the two together may let a cancellation through.
            tasks = [asyncio.ensure_future(self._fetch(url, turn, room)) for url in wanted]
            try:
                done, late = await asyncio.wait(
                    tasks, timeout=bounds.timeout_call_ms / 1000, return_when=asyncio.FIRST_EXCEPTION
                )
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.gather(*tasks, return_exceptions=True)
        for task in tasks:
            if task in done and (failure := task.exception()) is not None:
                raise failure
        if late:
            raise GatewayError(
                ErrorKind.BAD_REQUEST,
                f"The images and documents could not all be fetched within {bounds.timeout_call_ms // 1000} s; "
                "send them as base64.",
            )
        return {url: task.result() for url, task in zip(wanted, tasks, strict=True)}

    async def aclose(self) -> None:
        """End all connections and what is being fetched."""
        await self._transport.aclose()

    async def _fetch(self, url: str, turn: asyncio.Semaphore, room: CallRoom) -> Source:
        bounds = self._bounds
        async with turn, AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(bounds.wait_ms / 1000):
                    await stack.enter_async_context(self._places)
            except TimeoutError:
                raise busy() from None
            try:
                async with asyncio.timeout(bounds.timeout_each_ms / 1000):
                    return await self._follow(url, room)
            except TimeoutError:
                raise _failed(url, f"it did not arrive within {bounds.timeout_each_ms / 1000:g} s") from None
            except Unfit as error:
                raise _failed(url, str(error)) from error
            except TransportError as error:
                _log.info("%s was not fetched: %s", shown(url), error)
                if error.failure in (Failure.POOL_FULL, Failure.CLOSED):
                    raise busy() from error
                raise _failed(url, _reason(error)) from error

    async def _follow(self, url: str, room: CallRoom) -> Source:
        for _ in range(self._bounds.redirects_max + 1):
            place = place_of(url, self._allow_hosts)
            response = await self._transport.send(self._request(place))
            try:
                if response.status not in _REDIRECTS:
                    return await self._read(response, room)
                url = _redirected(url, _header(response, b"location"))
            finally:
                response.close()
        raise Unfit(f"it redirects more than {self._bounds.redirects_max} times")

    def _request(self, place: Place) -> Request:
        timeout_ms = self._bounds.timeout_each_ms
        return Request(
            b"GET",
            place.origin,
            place.target,
            _HEADERS,
            b"",
            http_version="1.1",
            timeout_connect_ms=timeout_ms,
            timeout_first_byte_ms=timeout_ms,
            timeout_idle_ms=timeout_ms,
        )

    async def _read(self, response: Response, room: CallRoom) -> Source:
        if response.status != 200:
            raise Unfit(f"its host answered with status {response.status}")
        try:
            content = await self._content(response, room)
        except CodingError as error:
            raise Unfit("its content does not fit its Content-Encoding") from error
        except TooLarge:
            raise Unfit(f"it is larger than {self._bounds.bytes_each_max / (1024 * 1024):g} MB") from None
        if len(content) > _OFF_LOOP_BYTES:
            encoded = await asyncio.to_thread(base64.b64encode, content)
        else:
            encoded = base64.b64encode(content)
        return Source(media_type=_checked(content), data=encoded.decode())

    async def _content(self, response: Response, room: CallRoom) -> bytearray:
        """The whole body; no more than its first bytes if they are of another type."""
        bytes_max = self._bounds.bytes_each_max
        inflater = _inflater(response, bytes_max)
        came = 0
        content = bytearray()
        checked = False
        while data := await response.read():
            came += len(data)
            if inflater is not None:
                data = await asyncio.to_thread(inflater.feed, data)
            content += data
            if max(len(content), came) > bytes_max:
                raise TooLarge
            room.take(len(data))
            if not checked and len(content) >= SNIFF_BYTES:
                checked = bool(_checked(content))
        if inflater is not None:
            inflater.finish()
        return content


def _redirected(url: str, location: str) -> str:
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise Unfit("it redirects to a URL that is not valid") from error


def _checked(content: bytearray) -> str:
    media_type = sniff(bytes(content[:SNIFF_BYTES]))
    if media_type not in MEDIA_TYPES:
        raise Unfit("it is neither an image nor a PDF")
    return media_type


def _inflater(response: Response, bytes_max: int) -> Inflater | None:
    coding = _header(response, b"content-encoding").strip().lower()
    if coding in ("", "identity"):
        return None
    if coding not in CODINGS:
        raise Unfit("its Content-Encoding cannot be undone")
    return Inflater(coding, bytes_max)


def _header(response: Response, wanted: bytes) -> str:
    return b",".join(value for name, value in response.headers if name == wanted).decode("latin-1")


def _reason(error: TransportError) -> str:
    """What a caller may know. A name that does not exist and one that leads inside look alike, so that nobody can ask
    the gateway which names there are inside."""
    match error.failure:
        case Failure.CONNECT if isinstance(error.__cause__, NotPublic | socket.gaierror):
            return "its host has no public address"
        case Failure.CONNECT:
            return "its host cannot be reached"
        case Failure.TLS:
            return "its host has no valid certificate"
        case Failure.TIMEOUT_CONNECT | Failure.TIMEOUT_FIRST_BYTE | Failure.TIMEOUT_IDLE:
            return "its host did not answer in time"
        case _:
            return "its host broke off or did not speak HTTP"


def _failed(url: str, reason: str) -> GatewayError:
    message = f"The file at {shown(url)} could not be fetched: {reason}. Send its content as base64 instead."
    return GatewayError(ErrorKind.BAD_REQUEST, message)
