"""Heads and errors as callers get them: the few headers that every answer carries, and the error envelope."""

from fastgw.clock import monotonic_ns
from fastgw.dataplane.flight import Flight
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import RateStatus
from fastgw.protocols.errors import openai as chat_errors

Header = tuple[bytes, bytes]

JSON_HEADERS: tuple[Header, ...] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


_rate_memo: tuple[RateStatus, list[Header]] = (RateStatus(), [])
"""The last status and its headers: exchanges that were admitted together share one status."""


def gateway_us(flight: Flight) -> int:
    """The gateway's own time so far, in microseconds: all time but what was spent waiting for the provider."""
    now_ns = monotonic_ns()
    return max(0, now_ns - flight.started_ns - flight.upstream_ns_at(now_ns)) // 1_000


def head(flight: Flight, kind: tuple[Header, ...]) -> list[Header]:
    """The headers of an answer: `kind` for its media type, and who, how long and how much is left."""
    grant = flight.grant
    return [
        *kind,
        (b"x-request-id", flight.exchange_id.encode()),
        (b"server-timing", b"gw;dur=%.3f" % (gateway_us(flight) / 1_000)),
        *(rate_headers(grant.status) if grant is not None else ()),
    ]


def rate_headers(status: RateStatus) -> list[Header]:
    """`x-ratelimit-*` in OpenAI's names (API reference, "rate limits in headers", 2026-08); none without a limit."""
    global _rate_memo  # noqa: PLW0603 - one entry, and a miss only costs the formatting
    if _rate_memo[0] is status:
        return _rate_memo[1]
    headers: list[Header] = []
    if status.limit_requests:
        headers += (
            (b"x-ratelimit-limit-requests", b"%d" % status.limit_requests),
            (b"x-ratelimit-remaining-requests", b"%d" % status.remaining_requests),
            (b"x-ratelimit-reset-requests", b"%dms" % status.reset_requests_ms),
        )
    if status.limit_tokens:
        headers += (
            (b"x-ratelimit-limit-tokens", b"%d" % status.limit_tokens),
            (b"x-ratelimit-remaining-tokens", b"%d" % status.remaining_tokens),
            (b"x-ratelimit-reset-tokens", b"%dms" % status.reset_tokens_ms),
        )
    _rate_memo = (status, headers)
    return headers


def error_head(flight: Flight, error: GatewayError, status: RateStatus | None = None) -> list[Header]:
    """The headers of an error answer."""
    headers = head(flight, JSON_HEADERS)
    if status is not None:
        headers += rate_headers(status)
    if error.retry_after_s is not None:
        headers.append((b"retry-after", b"%d" % error.retry_after_s))
    if error.should_retry is not None:
        # OpenAI's SDKs obey this header before their own rule (openai-python 3.52, 2026-11).
        headers.append((b"x-should-retry", b"true" if error.should_retry else b"false"))
    if error.kind is ErrorKind.INVALID_API_KEY:
        headers.append((b"www-authenticate", b"Bearer"))
    return headers


async def send_error(flight: Flight, error: GatewayError, status: RateStatus | None = None) -> None:
    """Tell the caller: as a whole answer while the head is still ours to choose, else as the stream's last events."""
    down = flight.down
    down.quiet = True
    if down.started and not down.framed:
        # Half of a JSON answer is out and nothing can be said in it: leaving it unfinished lets the server cut it.
        return
    if down.started:
        await down.finish(chat_errors.frame(error))
        return
    await down.start(error.status, error_head(flight, error, status))
    await down.finish(chat_errors.render(error))
