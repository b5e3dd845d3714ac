"""Heads and errors as callers get them: the few headers that every answer carries, and the error envelope."""

import re
from datetime import UTC, datetime

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane.flight import Flight
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import RateStatus
from fastgw.money.amounts import NANO_PER_USD
from fastgw.protocols.errors import table

Header = tuple[bytes, bytes]

JSON_HEADERS: tuple[Header, ...] = ((b"content-type", b"application/json"), (b"cache-control", b"no-store"))


_NOT_IN_PATH = re.compile(r"[^A-Za-z0-9_.\[\]+ $-]")
DROPPED_LENGTH_MAX = 1_024

_rate_memo: tuple[RateStatus, str, list[Header]] = (RateStatus(), "", [])
"""The last status, its dialect and its headers: exchanges that were admitted together share one status."""


def gateway_us(flight: Flight) -> int:
    """The gateway's own time so far, in microseconds: all time but what was spent waiting for the provider."""
    now_ns = monotonic_ns()
    return max(0, now_ns - flight.started_ns - flight.upstream_ns_at(now_ns)) // 1_000


def head(flight: Flight, kind: tuple[Header, ...]) -> list[Header]:
    """The headers of an answer: `kind` for its media type, and who, how long, how much is left, what was left out."""
    grant = flight.grant
    headers = [
        *kind,
        (b"x-request-id", flight.exchange_id.encode()),
        (b"server-timing", b"gw;dur=%.3f" % (gateway_us(flight) / 1_000)),
        *(rate_headers(grant.status, flight.dialect) if grant is not None else ()),
    ]
    if flight.dropped:
        headers.append((b"x-fastgw-dropped", _listed(flight.dropped)))
    if flight.detected:
        headers.append((b"x-fastgw-detected-format", flight.dialect.encode()))
    charge = flight.charge
    if charge is not None and not charge.unpriced:
        headers.append((b"x-fastgw-cost-usd", _usd(charge.charge_nano)))
    headers += table.headers(flight.dialect, None, flight.exchange_id)
    return headers


def _usd(amount_nano: int) -> bytes:
    """`money.amounts.usd` for an amount of 0 or more, in half the time: each answer has one."""
    return (b"%d.%09d" % divmod(amount_nano, NANO_PER_USD)).rstrip(b"0").rstrip(b".")


def cost_note(flight: Flight) -> bytes:
    """The cost of a stream, before its last events, for a caller who wants to hear it: as a comment, which no client
    takes for an event, or as an event of the gateway's own. Empty where no price is known."""
    charge = flight.charge
    if charge is None or charge.unpriced:
        return b""
    amount = _usd(charge.charge_nano)
    if flight.tell_cost == "event":
        return b'event: fastgw.cost\ndata: {"cost_usd":"' + amount + b'"}\n\n'
    return b": fastgw-cost-usd " + amount + b"\n\n"


def _listed(paths: tuple[str, ...]) -> bytes:
    """Paths as a header; the caller's own words in them are reduced to what one may hold (RFC 9110 section 5.5)."""
    listed = ", ".join(_NOT_IN_PATH.sub("?", path[:80]) for path in paths)
    return listed[:DROPPED_LENGTH_MAX].encode("ascii")


def rate_headers(status: RateStatus, dialect: str = "chat") -> list[Header]:
    """The limits in the words of the dialect's own SDKs; none without a limit."""
    global _rate_memo  # noqa: PLW0603 - one entry, and a miss only costs the formatting
    if _rate_memo[0] is status and _rate_memo[1] == dialect:
        return _rate_memo[2]
    headers: list[Header] = []
    named = _anthropic_limit if dialect == "messages" else _openai_limit
    if status.limit_requests:
        headers += named(b"requests", status.limit_requests, status.remaining_requests, status.reset_requests_ms)
    if status.limit_tokens:
        headers += named(b"tokens", status.limit_tokens, status.remaining_tokens, status.reset_tokens_ms)
    _rate_memo = (status, dialect, headers)
    return headers


def _openai_limit(what: bytes, limit: int, remaining: int, reset_ms: int) -> tuple[Header, ...]:
    """API reference, "rate limits in headers", 2026-08."""
    return (
        (b"x-ratelimit-limit-" + what, b"%d" % limit),
        (b"x-ratelimit-remaining-" + what, b"%d" % remaining),
        (b"x-ratelimit-reset-" + what, b"%dms" % reset_ms),
    )


def _anthropic_limit(what: bytes, limit: int, remaining: int, reset_ms: int) -> tuple[Header, ...]:
    """platform.claude.com/docs/en/api/rate-limits, "response headers", 2026-08: the reset is a moment, RFC 3339."""
    moment = datetime.fromtimestamp((wall_ms() + reset_ms) // 1_000, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return (
        (b"anthropic-ratelimit-" + what + b"-limit", b"%d" % limit),
        (b"anthropic-ratelimit-" + what + b"-remaining", b"%d" % remaining),
        (b"anthropic-ratelimit-" + what + b"-reset", moment.encode("ascii")),
    )


def error_head(flight: Flight, error: GatewayError, status: RateStatus | None = None) -> list[Header]:
    """The headers of an error answer."""
    headers = head(flight, JSON_HEADERS)
    if status is not None:
        headers += rate_headers(status, flight.dialect)
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
    await down.settle()
    if down.started and not down.framed:
        # Half of a JSON answer is out and nothing can be said in it: leaving it unfinished lets the server cut it.
        return
    if down.started:
        tap = flight.tap
        if tap is not None:
            await down.finish(tap.fail(error, flight.exchange_id))
        else:
            framing = flight.call.said.framing if flight.call is not None else "sse"
            await down.finish(table.frame(flight.dialect, error, flight.exchange_id, framing))
        return
    await down.start(error.status, error_head(flight, error, status))
    await down.finish(table.render(flight.dialect, error, flight.exchange_id))
