"""The body of a request, read within bounds: of its own size after inflating, and of all bodies together."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, MutableMapping
from typing import Any

import msgspec

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols import coding

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]

OFF_LOOP_BYTES = 256 * 1024
"""Inflating or decoding more than this leaves the event loop for a thread."""


class Framing(msgspec.Struct, frozen=True, gc=False):
    """What the head of a request says about its body."""

    content_length: int | None = None
    codings: tuple[str, ...] = ()
    idempotent: bool = False
    """It carries `Idempotency-Key`."""


class BodyBudget:
    """Bytes of bodies that a worker holds at this moment, with a ceiling."""

    __slots__ = ("_bytes_max", "held_bytes")

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.held_bytes = 0

    def take(self, count: int) -> None:
        """Hold `count` bytes more. Raises `GatewayError` (503) when the ceiling is reached."""
        if self.held_bytes + count > self._bytes_max:
            raise GatewayError(
                ErrorKind.OVERLOADED, "The gateway holds too many request bodies. Try again soon.", retry_after_s=1
            )
        self.held_bytes += count

    def give_back(self, count: int) -> None:
        """Let go of `count` bytes."""
        self.held_bytes -= count


def framing(headers: Iterable[tuple[bytes, bytes]]) -> Framing:
    """Read `content-length` and `content-encoding`. Raises `GatewayError` for a coding that cannot be undone (415)."""
    named = dict(headers)
    value = named.get(b"content-length")
    length = int(value) if value is not None and value.isdigit() and len(value) < 16 else None
    if b"content-encoding" not in named:
        return Framing(length, (), b"idempotency-key" in named)
    codings: tuple[str, ...] = ()
    for name, value in headers:
        if name == b"content-encoding":
            listed = [item.strip().lower() for item in value.decode("latin-1").split(",")]
            codings += tuple(item for item in listed if item and item != "identity")
    if len(codings) > 2 or any(item not in coding.CODINGS for item in codings):
        raise GatewayError(
            ErrorKind.UNSUPPORTED_ENCODING, "Content-Encoding must be one of gzip, deflate, br, zstd or identity."
        )
    return Framing(length, codings, b"idempotency-key" in named)


async def read_body(
    receive: Receive, frame: Framing, bytes_max: int, budget: BodyBudget, progress: Callable[[], None]
) -> bytes:
    """The whole body, inflated. `progress` is called whenever bytes arrive.

    The caller gives `len(body)` back to the budget when it is done. Raises `GatewayError`: 413, 400 for a corrupt
    coding, 503 for a full budget, 499 when the client has gone.
    """
    if frame.content_length is not None and frame.content_length > bytes_max:
        raise _too_large(bytes_max)
    message = await receive()
    body: bytes = message.get("body", b"")
    # A body of the announced length is whole, whatever `more_body` says: asking again would cost a round through the
    # server's own thread to learn nothing.
    whole = len(body) == frame.content_length or not message.get("more_body")
    if whole and message["type"] == "http.request" and len(body) <= bytes_max:
        budget.take(len(body))
    else:
        body = await _read_rest(receive, message, frame.content_length, bytes_max, budget, progress)
    if not frame.codings:
        return body
    return await _inflate(body, frame.codings, bytes_max, budget)


async def _read_rest(
    receive: Receive,
    message: MutableMapping[str, Any],
    length: int | None,
    bytes_max: int,
    budget: BodyBudget,
    progress: Callable[[], None],
) -> bytes:
    parts: list[bytes] = []
    held = 0
    try:
        while True:
            if message["type"] != "http.request":
                raise GatewayError(ErrorKind.CLIENT_GONE, "The client closed the connection.")
            part: bytes = message.get("body", b"")
            if held + len(part) > bytes_max:
                raise _too_large(bytes_max)
            budget.take(len(part))
            held += len(part)
            parts.append(part)
            if not message.get("more_body") or held == length:
                return b"".join(parts)
            progress()
            message = await receive()
    except BaseException:  # whatever ended the reading, what was held is held no more
        budget.give_back(held)
        raise


async def _inflate(body: bytes, codings: tuple[str, ...], bytes_max: int, budget: BodyBudget) -> bytes:
    try:
        if len(body) > OFF_LOOP_BYTES // 8:
            plain = await asyncio.to_thread(_undo, body, codings, bytes_max)
        else:
            plain = _undo(body, codings, bytes_max)
    except coding.CodingError as exc:
        raise GatewayError(ErrorKind.BAD_REQUEST, f"The body does not fit its Content-Encoding: {exc}.") from exc
    except coding.TooLarge as exc:
        raise _too_large(bytes_max) from exc
    finally:
        budget.give_back(len(body))
    budget.take(len(plain))
    return plain


def _undo(body: bytes, codings: tuple[str, ...], bytes_max: int) -> bytes:
    # Codings are listed in the order in which they were applied (RFC 9110 8.4), so the last one is undone first.
    for name in reversed(codings):
        body = coding.inflate(body, name, bytes_max)
    return body


def _too_large(bytes_max: int) -> GatewayError:
    return GatewayError(
        ErrorKind.REQUEST_TOO_LARGE, f"The request body is larger than {bytes_max // (1024 * 1024)} MB after inflating."
    )
