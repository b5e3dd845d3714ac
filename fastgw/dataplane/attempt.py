"""One attempt at one candidate: the request to the provider, and what its failures mean."""

import logging
import re

from fastgw.dataplane.relay.unary import Source
from fastgw.dataplane.routing.failover import COOL_ACCOUNT_MS, Verdict, verdict
from fastgw.dataplane.upstream.transport import Failure, Header, Request, TransportError
from fastgw.errors import AttemptFailed, ErrorKind, GatewayError
from fastgw.exchange import Candidate
from fastgw.protocols.errors.foreign import read_foreign
from fastgw.protocols.hub.dialect import FromPath
from fastgw.settings.values import Deadlines

_log = logging.getLogger("fastgw.upstream")

ERROR_BYTES_MAX = 64 * 1024
"""Of a provider's error answer that are read for its reason."""

_JSON = (
    (b"content-type", b"application/json"),
    (b"accept", b"application/json"),
    # What comes encoded all the same is inflated, but a coding would only delay events.
    (b"accept-encoding", b"identity"),
    (b"user-agent", b"fastgw"),
)
_STREAM = (_JSON[0], (b"accept", b"text/event-stream"), *_JSON[2:])

_UNAVAILABLE = "The provider cannot be reached right now. Try again later, or choose another model."
_FAILED = "The provider failed to answer. Try again later, or choose another model."
_TIMEOUT = "The provider did not answer in time. Try again, or choose another model."
_BUSY = "The provider limits the rate of requests. Try again later, or choose another model."
_ACCOUNT = "The provider does not accept the gateway's account. The operator has to look into it; try another model."


def build(
    candidate: Candidate, body: bytes, deadlines: Deadlines, *, stream: bool, said: FromPath | None = None
) -> Request:
    """The request for `candidate`. `said`: what a caller of its own dialect said outside of the body."""
    head = _head(candidate.headers, stream)
    if said is not None and (said.betas or said.version) and candidate.dialect == "messages":
        head = _with_said(head, said, candidate.target.vendor)
    return Request(
        b"POST",
        candidate.origin,
        candidate.path_stream or candidate.path if stream else candidate.path,
        head,
        body,
        candidate.http_version,
        stream,
        True,
        candidate.tls,
        candidate.proxy,
        deadlines.timeout_connect_ms,
        deadlines.timeout_first_byte_ms,
        deadlines.timeout_idle_ms,
    )


_HEAD_VERSION = b"anthropic-version"
_HEAD_BETA = b"anthropic-beta"
_VERSION = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_BETA = re.compile(r"[\w.:-]+", re.ASCII)

_heads: dict[tuple[int, bool], tuple[tuple[Header, ...], tuple[Header, ...]]] = {}
HEADS_MAX = 4_096


def _head(own: tuple[Header, ...], stream: bool) -> tuple[Header, ...]:
    """The headers of a candidate and those of the kind of call, as the same object each time.

    A transport renders a head again only when it is another object than the last one on its connection. A candidate's
    headers live as long as its catalogue; the check for identity guards against an address that is used again.
    """
    known = _heads.get((id(own), stream))
    if known is not None and known[0] is own:
        return known[1]
    if len(_heads) >= HEADS_MAX:
        _heads.clear()
    whole = own + (_STREAM if stream else _JSON)
    _heads[id(own), stream] = (own, whole)
    return whole


def _with_said(head: tuple[Header, ...], said: FromPath, vendor: str) -> tuple[Header, ...]:
    """The headers with the caller's betas, and at Anthropic itself its version, which decides what the API takes.

    Vertex wants betas of its own names and its version in the body: nothing is added there.
    """
    if vendor == "vertex":
        return head
    own = dict(head)
    version = said.version.encode("latin-1")
    keeps_version = vendor != "anthropic" or not _VERSION.fullmatch(said.version) or own.get(_HEAD_VERSION) == version
    if keeps_version and not said.betas:
        return head
    if not keeps_version:
        own[_HEAD_VERSION] = version
    betas = dict.fromkeys(name.encode("latin-1") for name in said.betas if _BETA.fullmatch(name))
    if betas:
        given = own.get(_HEAD_BETA)
        own[_HEAD_BETA] = b",".join((given, *betas) if given else betas)
    return tuple(own.items())


class Judged(AttemptFailed):
    """A failed attempt with what it means for its lane: how long to spare it (0: by its history)."""

    def __init__(self, error: GatewayError, detail: str, cool_ms: int = 0) -> None:
        super().__init__(error, detail)
        self.cool_ms = cool_ms


def transport_failed(failure: TransportError) -> AttemptFailed:
    """What a failure below HTTP means for the caller."""
    match failure.failure:
        case Failure.TIMEOUT_CONNECT | Failure.TIMEOUT_FIRST_BYTE | Failure.TIMEOUT_IDLE:
            error = GatewayError(ErrorKind.UPSTREAM_TIMEOUT, _TIMEOUT)
        case Failure.PROTOCOL:
            error = GatewayError(ErrorKind.UPSTREAM_BAD_RESPONSE, _UNAVAILABLE)
        case Failure.POOL_FULL | Failure.CLOSED:
            error = GatewayError(ErrorKind.OVERLOADED, "The gateway is at its limit. Try again soon.", retry_after_s=1)
        case _:
            error = GatewayError(ErrorKind.UPSTREAM_UNAVAILABLE, _UNAVAILABLE)
    return AttemptFailed(error, f"{failure.failure.value}: {failure}")


async def refuse_status(source: Source, status: int) -> None:
    """Turn a status that is no answer into an error.

    Raises `GatewayError` when the request itself is at fault, with the provider's words made safe; `AttemptFailed`
    when another candidate may do better.
    """
    meaning = verdict(status)
    if meaning is Verdict.ANSWER:
        return
    foreign = None
    try:
        body = await source.read_all(ERROR_BYTES_MAX)
    except TransportError:
        body = None
    if body:
        foreign = read_foreign(body)
    detail = f"status {status}: {foreign.message if foreign else 'no readable reason'}"
    if meaning is Verdict.REFUSED:
        raise GatewayError(
            ErrorKind.UPSTREAM_REFUSED,
            foreign.message if foreign else "The provider refused the request and gave no reason.",
            param=foreign.param if foreign else None,
            code=foreign.code if foreign else None,
            status=status,
        )
    if meaning is Verdict.BUSY:
        retry_after_s = _retry_after_s(source)
        error = GatewayError(ErrorKind.UPSTREAM_RATE_LIMITED, _BUSY, retry_after_s=retry_after_s)
        raise Judged(error, detail, retry_after_s * 1_000)
    if meaning is Verdict.ACCOUNT:
        raise Judged(GatewayError(ErrorKind.UPSTREAM_UNAVAILABLE, _ACCOUNT), detail, COOL_ACCOUNT_MS)
    kind = ErrorKind.UPSTREAM_TIMEOUT if status == 504 else ErrorKind.UPSTREAM_UNAVAILABLE
    raise AttemptFailed(GatewayError(kind, _TIMEOUT if status == 504 else _FAILED), detail)


def _retry_after_s(source: Source) -> int:
    """Seconds of the provider's `retry-after`, 1 to 300; a date or nonsense counts as 1."""
    for name, value in source.headers:
        if name == b"retry-after" and value.isdigit() and len(value) < 10:
            return min(max(int(value), 1), 300)
    return 1
