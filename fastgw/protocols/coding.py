"""Content codings (RFC 9110 section 8.4.1) with a bound on what comes out, for bodies in both directions."""

import zlib
from typing import Protocol

import brotli
import zstandard

CODINGS = ("gzip", "x-gzip", "deflate", "br", "zstd")
"""What can be undone here; `identity` is no coding."""

WINDOW_BYTES_MAX = 8 * 1024 * 1024
"""Of zstd as a content coding (RFC 9659 section 3); a larger one would cost its memory before a byte has come out."""


class CodingError(Exception):
    """The bytes are not what their coding promises, or end too early."""


class TooLarge(Exception):
    """More came out than the bound allows."""


class _Codec(Protocol):
    def feed(self, data: bytes, room: int) -> bytes: ...

    def finished(self) -> bool: ...


class Inflater:
    """Undoes one content coding, incrementally. Raises `CodingError` or `TooLarge`; afterwards it is of no more use."""

    def __init__(self, coding: str, bytes_max: int, feed_bytes_max: int = 0) -> None:
        """At most `bytes_max` come out, and of one `feed` at most `feed_bytes_max` (0: as many)."""
        self._codec = _codec(coding)
        self._room = bytes_max
        self._feed_bytes_max = feed_bytes_max or bytes_max

    def feed(self, data: bytes) -> bytes:
        """What comes out of `data`, maybe nothing yet."""
        try:
            out = self._codec.feed(data, min(self._room, self._feed_bytes_max) + 1)
        except (zlib.error, brotli.error, zstandard.ZstdError) as exc:
            raise CodingError("the compressed data is corrupt") from exc
        self._room -= len(out)
        if self._room < 0 or len(out) > self._feed_bytes_max:
            raise TooLarge
        return out

    def finish(self) -> None:
        """Say that no more will come. Raises `CodingError` if the data is not complete."""
        if not self._codec.finished():
            raise CodingError("the compressed data ends too early")


def inflate(data: bytes, coding: str, bytes_max: int) -> bytes:
    """All of `data` at once."""
    inflater = Inflater(coding, bytes_max)
    out = inflater.feed(data)
    inflater.finish()
    return out


class _Zlib:
    """Gzip, incl. several members in a row; deflate with or without its zlib wrapper (RFC 9110 8.4.1.2 notes both)."""

    def __init__(self, gzip: bool) -> None:
        self._wbits = 31 if gzip else 15
        self._gzip = gzip
        self._inner = zlib.decompressobj(self._wbits)
        self._fed = False

    def feed(self, data: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        while data and room > 0:
            if self._inner.eof:
                if not self._gzip:
                    raise zlib.error("data after the end")
                self._inner = zlib.decompressobj(self._wbits)
            if not self._gzip and not self._fed and data[0] & 0x0F != 8:
                self._inner = zlib.decompressobj(-15)
            self._fed = True
            out = self._inner.decompress(data, room)
            parts.append(out)
            room -= len(out)
            data = self._inner.unconsumed_tail or self._inner.unused_data
        return b"".join(parts)

    def finished(self) -> bool:
        return self._inner.eof or not self._fed


class _Brotli:
    def __init__(self) -> None:
        self._inner = brotli.Decompressor()
        self._fed = False

    def feed(self, data: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        self._fed = self._fed or bool(data)
        while room > 0:
            out = self._inner.process(data, output_buffer_limit=min(room, 1 << 20))
            data = b""
            parts.append(out)
            room -= len(out)
            if self._inner.can_accept_more_data() or not out:
                break
        return b"".join(parts)

    def finished(self) -> bool:
        return bool(self._inner.is_finished()) or not self._fed


class _Zstd:
    def __init__(self) -> None:
        self._inner = zstandard.ZstdDecompressor(max_window_size=WINDOW_BYTES_MAX).decompressobj(
            read_across_frames=False
        )
        self._fed = False

    def feed(self, data: bytes, room: int) -> bytes:
        parts: list[bytes] = []
        # The binding has no output bound: feeding small slices bounds what one call may produce (a zstd block is at
        # most 128 KiB, and each needs at least 3 bytes of input: RFC 8878 section 3.1.1.2).
        for start in range(0, len(data), 512):
            if self._inner.eof:
                raise zstandard.ZstdError("data after the end")
            self._fed = True
            out = self._inner.decompress(data[start : start + 512])
            parts.append(out)
            room -= len(out)
            if room <= 0:
                break
        return b"".join(parts)

    def finished(self) -> bool:
        return bool(self._inner.eof) or not self._fed


def _codec(coding: str) -> _Codec:
    if coding in {"gzip", "x-gzip"}:
        return _Zlib(gzip=True)
    if coding == "deflate":
        return _Zlib(gzip=False)
    if coding == "br":
        return _Brotli()
    if coding == "zstd":
        return _Zstd()
    raise CodingError(f"unknown coding {coding!r}")
