"""From the headers of a request to its principal, without waiting for anything in the common case.

A worker keeps a snapshot of the keys that it has met. It is right because of three things: a message for each change;
a version number that is read twice a second, so that a lost message costs half a second and not a revocation; and the
key's epoch, which admission compares in the store.
"""

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncIterator, Callable
from time import monotonic
from typing import NamedTuple, Protocol

from fastgw.apikey import digest, well_formed
from fastgw.clock import wall_ms
from fastgw.dataplane.auth.address import Network, networks, parse, within
from fastgw.dataplane.auth.credentials import Headers, carried, key_of, refuse_key_in_query, wrong_key
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.observe.tasks import end, spawn

KNOWN_MAX = 50_000
"""Keys in the snapshot, and header values that lead to them; when full it starts anew."""
REMEMBERED_BYTES_MAX = 256
"""Of a header value that leads to a key; a longer one (blanks, which mean nothing) is read anew each time."""
WRONG_MAX = 20_000
"""Digests of unknown keys, and addresses that try them."""
WRONG_S = 5.0
"""How long an unknown key stays unknown without another look; a key made meanwhile is announced and works at once."""
BLOCKED_S = 5.0
"""How long an address is refused without asking the store again."""
POLL_S = 0.5
READS_MAX = 256
"""Reads of the store under way at once in one worker, of keys and of counts each; beyond it, 503."""

_log = logging.getLogger("fastgw.auth")


class KeyStore(Protocol):
    """Where key records are mirrored. All but `changes` raise `GatewayError` (503) when the store does not answer."""

    async def read(self, digest: str) -> Principal | None:
        """The record of a key, None if there is none; raises (503) also while records are still being mirrored."""

    async def wrong(self, address: str, count: int) -> int:
        """Add `count` (0: only look) to the wrong keys that `address` tried this minute; the sum."""

    async def version(self) -> int:
        """The number of changes so far; counts up by one with each."""

    def changes(self) -> AsyncIterator[tuple[str, int]]:
        """Each change as it happens, as the SHA-256 of the key and the version after it.

        Ends or raises `OSError` when the connection does.
        """


class Known(NamedTuple):
    """A principal of the snapshot, with what has to be parsed once."""

    principal: Principal
    networks: tuple[Network, ...]


class Keys:
    """The keys as one worker knows them."""

    def __init__(
        self, store: KeyStore, *, wrong_keys_per_min: int = 30, wall_clock_ms: Callable[[], int] = wall_ms
    ) -> None:
        self._store = store
        self._wrong_keys_max = wrong_keys_per_min
        self._wall_ms = wall_clock_ms
        self._by_header: dict[bytes | tuple[bytes, ...], Known] = {}
        self._by_digest: dict[str, Known] = {}
        self._unknown: dict[str, float] = {}
        self._blocked: dict[str, float] = {}
        self._allowed: dict[tuple[str, str], bool] = {}
        self._reads: dict[str, asyncio.Task[Principal | GatewayError | None]] = {}
        self._looks: dict[str, asyncio.Task[int | GatewayError]] = {}
        self._version = -1
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to follow changes. Does not wait for the store."""
        self._tasks = [spawn(self._follow(), name="keys follow"), spawn(self._poll(), name="keys poll")]

    async def aclose(self) -> None:
        """Stop following changes."""
        await end(self._tasks)

    def lookup(self, headers: Headers, query_string: bytes, address: str) -> Principal | None:
        """The principal of a known key, with every check done; None if only `authenticate` can tell.

        `address` is the client's address as `Client.address` has it. Raises `GatewayError`.
        """
        if query_string:
            refuse_key_in_query(query_string)
        known = self._by_header.get(carried(headers))
        return None if known is None else self._checked(known, address)

    async def authenticate(self, headers: Headers, query_string: bytes, address: str, bucket: str = "") -> Principal:
        """The principal, after one look into the store at most. Raises `GatewayError`.

        `bucket` is what wrong keys are counted by (`Client.bucket`); empty means `address`.
        """
        principal = self.lookup(headers, query_string, address)
        if principal is not None:
            return principal
        values = carried(headers)
        key = key_of(values)
        bucket = bucket or address
        if self._blocked.get(bucket, 0.0) > monotonic():
            raise _too_many()
        if not well_formed(key):
            raise await self._wrong(bucket)
        hashed = digest(key)
        known = self._by_digest.get(hashed)
        if known is None:
            if self._wrong_keys_max > 0 and await self._tried(bucket) >= self._wrong_keys_max:
                raise self._block(bucket)
            known = await self._find(hashed)
        if known is None:
            raise await self._wrong(bucket)
        if self._by_digest.get(hashed) is known and isinstance(values, bytes) and len(values) <= REMEMBERED_BYTES_MAX:
            if len(self._by_header) >= KNOWN_MAX:
                self._by_header.clear()
            self._by_header[values] = known
        return self._checked(known, address)

    def forget(self, hashed: str) -> None:
        """Read this key again before it is believed; admission calls for it when the store knows a newer epoch."""
        self._unknown.pop(hashed, None)
        if (known := self._by_digest.pop(hashed, None)) is not None:
            for values in [v for v, k in self._by_header.items() if k is known]:
                del self._by_header[values]

    def expired(self, headers: Headers, address: str) -> Principal | None:
        """The key that has just been refused because it has expired, for who may tell its holder more than that; None
        when it may not be used from `address`, or has been forgotten meanwhile."""
        known = self._by_digest.get(digest(key_of(carried(headers))))
        if known is None or known.principal.disabled or not known.principal.expires_at_s:
            return None
        return known.principal if not known.networks or self._allows(known, address) else None

    def _checked(self, known: Known, address: str) -> Principal:
        principal = known.principal
        if principal.disabled:
            raise GatewayError(ErrorKind.INVALID_API_KEY, "This API key has been revoked.", should_retry=False)
        if principal.expires_at_s and self._wall_ms() >= principal.expires_at_s * 1000:
            raise GatewayError(ErrorKind.KEY_EXPIRED, "This API key has expired.", should_retry=False)
        if known.networks and not self._allows(known, address):
            raise GatewayError(
                ErrorKind.IP_NOT_ALLOWED, "This API key may not be used from your IP address.", should_retry=False
            )
        return principal

    def _allows(self, known: Known, address: str) -> bool:
        asked = (known.principal.digest, address)
        allowed = self._allowed.get(asked)
        if allowed is None:
            parsed = parse(address)
            allowed = parsed is not None and within(parsed, known.networks)
            if len(self._allowed) >= KNOWN_MAX:
                self._allowed.clear()
            self._allowed[asked] = allowed
        return allowed

    async def _find(self, hashed: str) -> Known | None:
        """Look into the store; requests with the same key wait for one read together."""
        if self._unknown.get(hashed, 0.0) > monotonic():
            return None
        read = self._reads.get(hashed)
        if read is None:
            if len(self._reads) >= READS_MAX:
                raise GatewayError(ErrorKind.OVERLOADED, "Too many new keys at once. Try again.", retry_after_s=1)
            read = self._reads[hashed] = spawn(self._read(hashed), name="key read")
            read.add_done_callback(lambda _: self._reads.pop(hashed, None))
        # Shielded: one caller that hangs up must not end the read for the others.
        principal = await asyncio.shield(read)
        if isinstance(principal, GatewayError):
            raise principal
        if principal is None:
            return None
        return self._by_digest.get(hashed) or Known(principal, networks(principal.ips))

    async def _read(self, hashed: str) -> Principal | GatewayError | None:
        """Read a record and keep what was found; an error is a value here, for all who wait for it."""
        version = self._version
        try:
            principal = await self._store.read(hashed)
        except GatewayError as error:
            return error
        if principal is None:
            if len(self._unknown) >= WRONG_MAX:
                self._unknown.clear()
            self._unknown[hashed] = monotonic() + WRONG_S
        if version != self._version:
            # A change arrived meanwhile, perhaps of this very key: good for this request, but not to be kept.
            self._unknown.pop(hashed, None)
        elif principal is not None:
            if len(self._by_digest) >= KNOWN_MAX:
                self._drop()
            self._by_digest[hashed] = Known(principal, networks(principal.ips))
        return principal

    async def _tried(self, bucket: str) -> int:
        """How many wrong keys this address has tried; its requests wait for one look together, as `_find` has them."""
        look = self._looks.get(bucket)
        if look is None:
            if len(self._looks) >= READS_MAX:
                raise GatewayError(ErrorKind.OVERLOADED, "Too many new keys at once. Try again.", retry_after_s=1)
            look = self._looks[bucket] = spawn(self._look(bucket), name="wrong keys read")
            look.add_done_callback(lambda _: self._looks.pop(bucket, None))
        count = await asyncio.shield(look)
        if isinstance(count, GatewayError):
            raise count
        return count

    async def _look(self, bucket: str) -> int | GatewayError:
        try:
            return await self._store.wrong(bucket, 0)
        except GatewayError as error:
            return error

    async def _wrong(self, bucket: str) -> GatewayError:
        """Count a wrong key, and say what its sender is told."""
        if self._wrong_keys_max > 0:
            # A store that is away cannot count, but a wrong key stays wrong.
            with contextlib.suppress(GatewayError):
                if await self._store.wrong(bucket, 1) > self._wrong_keys_max:
                    return self._block(bucket)
        return wrong_key()

    def _block(self, bucket: str) -> GatewayError:
        if len(self._blocked) >= WRONG_MAX:
            self._blocked.clear()
        self._blocked[bucket] = monotonic() + BLOCKED_S
        return _too_many()

    def _drop(self) -> None:
        self._by_header.clear()
        self._by_digest.clear()
        self._unknown.clear()
        self._allowed.clear()

    async def _follow(self) -> None:
        pause_s = 0.05
        while True:
            with contextlib.suppress(OSError):
                async for hashed, version in self._store.changes():
                    pause_s = 0.05
                    if version == self._version + 1:
                        self._version = version
                        self.forget(hashed)
                        self._allowed.clear()
                    elif version != self._version:
                        self._version = version
                        self._drop()
            # What happened while nobody listened is unknown: the next version that is read starts the snapshot anew.
            # Until then it stays, because known keys go on while the store is away.
            self._version = -1
            await asyncio.sleep(pause_s * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, no secret
            pause_s = min(pause_s * 2, 2.0)

    async def _poll(self) -> None:
        while True:
            with contextlib.suppress(GatewayError):
                version = await self._store.version()
                if version != self._version:
                    if self._version >= 0:
                        _log.info("key changes were missed; the snapshot starts anew")
                    self._version = version
                    self._drop()
            await asyncio.sleep(POLL_S)


def _too_many() -> GatewayError:
    return GatewayError(
        ErrorKind.RATE_LIMITED,
        "Too many wrong API keys from your address. Wait a minute and check the key.",
        retry_after_s=60,
    )
