"""A whole answer on its way back: held until it is seen to be one, then handed on byte for byte."""

from collections.abc import Callable
from typing import Protocol

from fastgw.errors import AttemptFailed, ErrorKind, GatewayError
from fastgw.protocols import coding
from fastgw.protocols.hub.dialect import Reading

UNUSABLE = "The provider gave no usable answer. Try again, or choose another model."


class Source(Protocol):
    """Where the bytes of an answer come from; the transport's response is one."""

    @property
    def headers(self) -> list[tuple[bytes, bytes]]:
        """Names in lower case."""

    async def read(self) -> bytes:
        """The next bytes, b"" at the end."""

    async def pass_on(self, sink: Callable[[bytes], bool]) -> bool:
        """Give them to `sink` until it says False (False) or they end (True)."""

    async def read_all(self, bytes_max: int) -> bytes | None:
        """All of them, or None if they are more than `bytes_max`."""


def content_type(source: Source) -> bytes:
    """The media type of the answer in lower case without parameters, b"" if it names none."""
    for name, value in source.headers:
        if name == b"content-type":
            return value.split(b";", 1)[0].strip().lower()
    return b""


def content_codings(source: Source) -> tuple[str, ...]:
    """The codings that the provider applied although it was asked for none, in the order of their application."""
    for name, value in source.headers:
        if name == b"content-encoding":
            listed = tuple(item.strip().lower() for item in value.decode("latin-1").split(","))
            return tuple(item for item in listed if item not in {"", "identity"})
    return ()


def plain(source: Source, body: bytes, bytes_max: int) -> bytes:
    """`body` without the codings that the provider applied, at most `bytes_max`.

    Raises `AttemptFailed` for a coding that does not hold what it promises.
    """
    codings = content_codings(source)
    if not codings:
        return body
    try:
        for name in reversed(codings):
            body = coding.inflate(body, name, bytes_max)
    except (coding.CodingError, coding.TooLarge) as exc:
        raise unusable(f"content-encoding: {exc}") from exc
    return body


def check_answer(reading: Reading, body: bytes, media_type: bytes) -> Reading:
    """`reading` if it is of an answer. Raises `AttemptFailed` for an error inside a 200, a page, or nothing."""
    if reading.valid:
        return reading
    if reading.error:
        raise unusable("200 with an error inside")
    raise unusable(f"200 with {len(body)} bytes of {media_type.decode('latin-1')!r} that are no answer")


def unusable(detail: str) -> AttemptFailed:
    """The failure of an attempt whose answer made no sense."""
    return AttemptFailed(GatewayError(ErrorKind.UPSTREAM_BAD_RESPONSE, UNUSABLE), detail)
