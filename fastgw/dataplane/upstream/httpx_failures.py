"""The exceptions of httpx and its engine, mapped once to the transport's own."""

import ssl
from collections.abc import Iterator

import h2.errors
import h2.events
import h2.exceptions
import httpx

from fastgw.dataplane.upstream.transport import Failure, TransportError

FOREIGN = (httpx.TransportError, httpx.InvalidURL, h2.exceptions.H2Error, ssl.SSLError, OSError)
"""What the engine may raise; h2's own errors come through unmapped while a body is read."""
_ENDED = ("server disconnected", "peer closed connection", "connectionterminated", "streamreset")


def mapped(error: BaseException, *, sent: bool) -> TransportError:
    """The same in the transport's terms; `sent`: the request had begun to leave."""
    failure = _failure(error)
    before = failure in {Failure.CONNECT, Failure.TLS, Failure.TIMEOUT_CONNECT, Failure.POOL_FULL}
    refused = refused_stream(error)
    return TransportError(failure, f"{type(error).__name__}: {error}", sent=sent and not before and not refused)


def refused_stream(error: BaseException) -> bool:
    """The peer reset the stream with REFUSED_STREAM: it has not processed the request (RFC 9113, 8.7)."""
    for cause in _causes(error):
        event = cause.args[0] if cause.args else None
        if isinstance(event, h2.events.StreamReset):
            return event.error_code == h2.errors.ErrorCodes.REFUSED_STREAM
    return False


def disconnected(error: BaseException) -> bool:
    """The connection was gone, as a kept-alive one may be when it is used again."""
    return isinstance(error, httpx.ReadError | httpx.WriteError | httpx.CloseError) or (
        isinstance(error, httpx.RemoteProtocolError) and "server disconnected" in str(error).lower()
    )


_KINDS: tuple[tuple[tuple[type[BaseException], ...], Failure], ...] = (
    ((httpx.ConnectTimeout,), Failure.TIMEOUT_CONNECT),
    ((httpx.PoolTimeout,), Failure.POOL_FULL),
    ((httpx.ReadTimeout, httpx.WriteTimeout), Failure.TIMEOUT_IDLE),
    ((httpx.ConnectError, httpx.ProxyError, httpx.UnsupportedProtocol, httpx.InvalidURL), Failure.CONNECT),
    ((httpx.ProtocolError, h2.exceptions.H2Error), Failure.PROTOCOL),
)
"""The first that fits counts; what fits none is a RESET."""


def _failure(error: BaseException) -> Failure:
    failure = next((failure for kinds, failure in _KINDS if isinstance(error, kinds)), Failure.RESET)
    if failure is Failure.CONNECT and any(isinstance(cause, ssl.SSLError) for cause in _causes(error)):
        return Failure.TLS
    if isinstance(error, httpx.RemoteProtocolError) and any(text in str(error).lower() for text in _ENDED):
        return Failure.RESET
    return failure


def _causes(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
