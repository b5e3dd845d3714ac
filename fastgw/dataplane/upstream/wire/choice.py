"""Which HTTP version a request takes: one pure decision, so that measurements may change it in one place."""

import enum

from fastgw.dataplane.upstream.transport import Request


class Lane(enum.Enum):
    """The kind of connection that a request waits for."""

    HTTP1 = "1.1"
    HTTP2 = "2"
    """Over TLS both versions are offered; an origin that picks HTTP/1.1 moves its calls to that lane."""


def lane_of(request: Request, *, tls: bool, offers_http2: bool | None) -> Lane:
    """The lane for `request`; `offers_http2` is the origin's last ALPN answer, None before the first one.

    `auto` sends unary calls over kept-alive HTTP/1.1, where one costs about half of what it costs over HTTP/2 in
    Python, because framing and flow control are work per message. Streams go over HTTP/2 where the origin has it: an
    event costs the same there, and a hundred held streams need one socket and one TLS session instead of a hundred.
    Without TLS there is no negotiation, and HTTP/2 by prior knowledge is only for origins configured so (RFC 9113
    section 3.3).
    """
    if request.http_version == "1.1":
        return Lane.HTTP1
    if request.http_version == "2":
        return Lane.HTTP2 if not tls or offers_http2 is not False else Lane.HTTP1
    return Lane.HTTP2 if tls and request.streaming and offers_http2 is not False else Lane.HTTP1
