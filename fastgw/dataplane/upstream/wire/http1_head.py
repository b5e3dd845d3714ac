"""Heads of HTTP/1.1 messages: writing those of requests, and what those of responses say about framing."""

from fastgw.dataplane.upstream.transport import Failure, Header, Request, TransportError
from fastgw.dataplane.upstream.wire.connection import Origin

_BODYLESS = (b"GET", b"HEAD", b"DELETE", b"OPTIONS")
"""Methods whose empty body needs no `content-length: 0` (RFC 9110 section 8.6)."""

_field = b": ".join


class RequestHeads:
    """Renders request heads for one connection. Callers tend to send the very same header tuple again, so the lines of
    the last one are kept."""

    __slots__ = ("_last", "_lines", "_origin")

    def __init__(self, origin: Origin) -> None:
        self._origin = origin
        self._last: tuple[Header, ...] = ()
        self._lines = b""

    def head(self, request: Request) -> bytes:
        """The head in wire form, its empty line included.

        Raises `TransportError` with `sent=False` for what would break the framing: a header with a line break or a
        zero byte, a target or method with white space.
        """
        headers = request.headers
        if headers is not self._last:
            count = len(headers)
            lines = b"\r\n".join(map(_field, headers)) + b"\r\n" if count else b""
            if lines.count(b"\n") != count or lines.count(b"\r") != count or b"\0" in lines:
                raise TransportError(Failure.PROTOCOL, "a request header has a line break or a zero byte", sent=False)
            self._last, self._lines = headers, lines
        start = request.method + request.target
        if not request.target or not start.isascii() or start.split() != [start]:
            raise TransportError(Failure.PROTOCOL, "the method or target of a request is malformed", sent=False)
        origin, body = self._origin, request.body
        length = b"" if not body and request.method in _BODYLESS else b"content-length: %d\r\n" % len(body)
        return b"%b %b%b HTTP/1.1\r\n%b%b%b\r\n" % (
            request.method,
            origin.http1_target_prefix,
            request.target,
            origin.http1_lines,
            self._lines,
            length,
        )


def ends_with_connection(headers: list[Header]) -> bool:
    """Neither a length nor a transfer coding: the body lasts until the connection ends (RFC 9112 section 6.3)."""
    return all(name not in (b"content-length", b"transfer-encoding") for name, _ in headers)
