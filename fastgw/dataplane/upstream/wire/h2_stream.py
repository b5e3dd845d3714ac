"""One stream of an HTTP/2 connection: what the connection must know beside the exchange, and its head both ways.

No I/O here. A response that breaks HTTP fails its own stream (RFC 9113, 8.1.1), never the connection.
"""

import re

from fastgw.dataplane.upstream.transport import Failure, Header, Request, TransportError
from fastgw.dataplane.upstream.wire.connection import Origin, WireBounds
from fastgw.dataplane.upstream.wire.exchange import Exchange
from fastgw.dataplane.upstream.wire.h2_parser import NeverIndexedHeaderTuple

_SECRET = frozenset({b"authorization", b"x-api-key", b"x-goog-api-key", b"api-key", b"cookie", b"proxy-authorization"})
"""Never put into the compression table (RFC 7541, 7.1.3)."""
_HOP_BY_HOP = frozenset({b"connection", b"keep-alive", b"proxy-connection", b"transfer-encoding", b"upgrade"})
_BAD_NAME = re.compile(rb"[^!#$%&'*+\-.^_`|~0-9a-z]")
_BAD_VALUE = re.compile(rb"[\r\n\0]")
_BODILESS = frozenset({b"GET", b"HEAD", b"DELETE", b"OPTIONS"})
"""Methods without `content-length` when the body is empty (RFC 9110, 8.6)."""


class MalformedError(Exception):
    """The peer's message breaks HTTP; the stream is reset with PROTOCOL_ERROR."""


class Http2Exchange(Exchange):
    """An exchange on a stream."""

    __slots__ = ("body_sent", "length", "received", "stream_id", "touched", "window_left")

    stream_id: int
    touched: bool
    """A frame of the response has come, be it a 1xx head."""
    window_left: int
    """Bytes that the peer may still send on this stream."""
    received: int
    """Body bytes that have come."""
    length: int
    """The response's `content-length`, -1 if it has none."""
    body_sent: int
    """Request body bytes that went to the parser."""

    def begin(self, stream_id: int, window: int) -> None:
        """Set the stream's own counters."""
        self.stream_id = stream_id
        self.window_left = window
        self.received = 0
        self.length = -1
        self.body_sent = 0
        self.touched = False


def request_head(request: Request, origin: Origin) -> list[Header]:
    """The header list of a request, pseudo-headers first. Raises `TransportError` for what cannot be sent."""
    if not request.target.isascii() or len(request.target.split()) != 1:
        raise TransportError(Failure.PROTOCOL, "a request target must be visible ASCII", sent=False)
    headers: list[Header] = [
        (b":method", request.method),
        (b":scheme", origin.scheme.encode()),
        (b":authority", origin.authority),
        (b":path", request.target),
    ]
    for header in request.headers:
        name, value = header
        if _BAD_NAME.search(name) or _BAD_VALUE.search(value):
            raise TransportError(Failure.PROTOCOL, f"header {name!r} cannot be sent", sent=False)
        headers.append(NeverIndexedHeaderTuple(name, value) if name in _SECRET else header)
    if request.body or request.method not in _BODILESS:
        headers.append((b"content-length", b"%d" % len(request.body)))
    return headers


def response_head(headers: list[Header], request: Request, bounds: WireBounds) -> tuple[int, list[Header], int]:
    """Status, headers without `:status`, and the length that the body must have (-1: any). Raises `MalformedError`."""
    if not headers or headers[0][0] != b":status" or len(headers) > bounds.header_count_max:
        raise MalformedError(f"a response head of {len(headers)} headers, the first not :status or too many")
    code = headers[0][1]
    status = int(code) if len(code) == 3 and code.isdigit() else 0
    if not 200 <= status <= 599:
        raise MalformedError(f"status {code!r}")
    length = -1
    for name, value in headers[1:]:
        if _BAD_NAME.search(name) or _BAD_VALUE.search(value) or name in _HOP_BY_HOP:
            raise MalformedError(f"header {name!r}")
        if name == b"content-length":
            size = int(value) if value.isdigit() else -1
            if size < 0 or length not in (-1, size):
                raise MalformedError(f"content-length {value!r}")
            length = size
    if request.method == b"HEAD" or status in {204, 304}:
        length = 0
    return status, [(name, value) for name, value in headers[1:]], length
