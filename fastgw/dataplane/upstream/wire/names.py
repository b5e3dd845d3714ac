"""DNS off the event loop: a small thread pool of its own, a bounded cache, and one lookup for all who ask at once."""

import asyncio
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from fastgw.clock import Clock, monotonic_ns
from fastgw.dataplane.upstream.wire.connection import WireBounds

AddressInfo = tuple[int, int, int, str, tuple[str, int] | tuple[str, int, int, int]]
"""As `socket.getaddrinfo` gives it: family, type, protocol, canonical name, socket address."""
Lookup = Callable[[str, int], list[AddressInfo]]


def look_up(host: str, port: int) -> list[AddressInfo]:
    """Addresses of `host` from the system's resolver, blocking. Raises `OSError`."""
    found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    return [info for info in found if info[0] in (socket.AF_INET, socket.AF_INET6)]  # type: ignore[misc]


class Names:
    """Addresses by name and port. An entry serves for `dns_ttl_ms`: the system's resolver tells no TTL."""

    def __init__(self, bounds: WireBounds, *, lookup: Lookup = look_up, clock: Clock = monotonic_ns) -> None:
        self._bounds = bounds
        self._lookup = lookup
        self._clock = clock
        self._threads = ThreadPoolExecutor(bounds.dns_threads, thread_name_prefix="fastgw-dns")
        self._known: dict[tuple[str, int], tuple[int, list[AddressInfo]]] = {}
        self._asked: dict[tuple[str, int], asyncio.Future[list[AddressInfo]]] = {}

    async def addresses(self, host: str, port: int) -> list[AddressInfo]:
        """The addresses, at least one. Raises `OSError`; an error is not kept."""
        key = (host, port)
        if (known := self._known.get(key)) is not None and known[0] > self._clock():
            return known[1]
        asked = self._asked.get(key)
        if asked is None:
            loop = asyncio.get_running_loop()
            asked = self._asked[key] = loop.run_in_executor(self._threads, self._lookup, host, port)
            asked.add_done_callback(lambda done: self._answered(key, done))
        found = await asyncio.shield(asked)
        if not found:
            raise OSError(f"{host} has no address")
        return found

    def forget(self, host: str, port: int) -> None:
        """Ask anew next time: no address of `host` could be connected to."""
        self._known.pop((host, port), None)

    def close(self) -> None:
        """Take no more questions. A lookup that hangs in the system ends with the system's own time-out."""
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _answered(self, key: tuple[str, int], done: "asyncio.Future[list[AddressInfo]]") -> None:
        del self._asked[key]
        if done.cancelled() or done.exception() is not None or not done.result():
            return
        self._known.pop(key, None)
        if len(self._known) >= self._bounds.dns_entries_max:
            del self._known[next(iter(self._known))]
        self._known[key] = (self._clock() + self._bounds.dns_ttl_ms * 1_000_000, done.result())
