"""Google's error envelope: `{"error":{"code","message","status","details":[]}}`, with the number of the HTTP status.

Statuses: google.rpc.Code. Details that have a standard type are given as such (google/rpc/error_details.proto): a wait
as `RetryInfo`, which Google's own command line waits for, the place of a mistake as `BadRequest`, an empty account as
`ErrorInfo`.
"""

from typing import assert_never

import msgspec

from fastgw.errors import ErrorKind, GatewayError

_encode = msgspec.json.encode
_TYPE = "type.googleapis.com/google.rpc."


class _RetryInfo(msgspec.Struct, rename="camel", tag=_TYPE + "RetryInfo", tag_field="@type"):
    retry_delay: str
    """Seconds as text, `3s`."""


class _Violation(msgspec.Struct):
    field: str
    description: str


class _BadRequest(msgspec.Struct, rename="camel", tag=_TYPE + "BadRequest", tag_field="@type"):
    field_violations: tuple[_Violation, ...]


class _ErrorInfo(msgspec.Struct, rename="camel", tag=_TYPE + "ErrorInfo", tag_field="@type"):
    reason: str
    """In capitals, as `google.rpc.ErrorInfo` wants it."""
    domain: str
    metadata: dict[str, str]


_CANNOT_PAY = _ErrorInfo("INSUFFICIENT_QUOTA", "fastgw", {"code": "insufficient_quota"})
"""Google's statuses have no word for an account that is empty."""


class _Error(msgspec.Struct):
    code: int
    message: str
    status: str
    details: list[_RetryInfo | _BadRequest | _ErrorInfo]


class _Envelope(msgspec.Struct):
    error: _Error


def render(error: GatewayError, exchange_id: str) -> bytes:
    """The body of an error answer. The exchange is named by the header `x-request-id` alone."""
    details: list[_RetryInfo | _BadRequest | _ErrorInfo] = []
    if error.kind is ErrorKind.INSUFFICIENT_QUOTA:
        details.append(_CANNOT_PAY)
    if error.retry_after_s is not None:
        details.append(_RetryInfo(f"{error.retry_after_s}s"))
    if error.param is not None:
        details.append(_BadRequest((_Violation(error.param, error.message),)))
    return _encode(_Envelope(_Error(error.status, error.message, status_of(error), details)))


def frame(error: GatewayError, exchange_id: str) -> bytes:
    """The event that ends a stream of server-sent events which has begun; Gemini's have no end mark."""
    return b"data: " + render(error, exchange_id) + b"\n\n"


def array(error: GatewayError, exchange_id: str) -> bytes:
    """A whole stream in array framing of which nothing was sent yet. Later ones end in `,` + `render` + `]`."""
    return b"[" + render(error, exchange_id) + b"]"


_REFUSED = {403: "PERMISSION_DENIED", 404: "NOT_FOUND", 409: "ABORTED", 429: "RESOURCE_EXHAUSTED"}


def status_of(error: GatewayError) -> str:  # noqa: PLR0911, PLR0912  one arm for each kind: the match is the table
    """Google's name for an error."""
    kind = error.kind
    match kind:
        case (
            ErrorKind.BAD_REQUEST
            | ErrorKind.KEY_IN_QUERY
            | ErrorKind.METHOD_NOT_ALLOWED
            | ErrorKind.REQUEST_TOO_LARGE
            | ErrorKind.UNSUPPORTED_ENCODING
            | ErrorKind.IDEMPOTENCY_MISMATCH
        ):
            return "INVALID_ARGUMENT"
        case ErrorKind.UPSTREAM_REFUSED:
            return _REFUSED.get(error.status, "INVALID_ARGUMENT")
        case ErrorKind.IDEMPOTENCY_IN_FLIGHT:
            return "ABORTED"
        case ErrorKind.IDEMPOTENCY_NOT_KEPT:
            return "ALREADY_EXISTS"
        case ErrorKind.CLIENT_GONE:
            return "CANCELLED"
        case ErrorKind.INVALID_API_KEY | ErrorKind.KEY_EXPIRED:
            return "UNAUTHENTICATED"
        case ErrorKind.IP_NOT_ALLOWED | ErrorKind.MODEL_NOT_ALLOWED:
            return "PERMISSION_DENIED"
        case ErrorKind.MODEL_NOT_FOUND | ErrorKind.NOT_FOUND:
            return "NOT_FOUND"
        case ErrorKind.INSUFFICIENT_QUOTA | ErrorKind.RATE_LIMITED | ErrorKind.UPSTREAM_RATE_LIMITED:
            return "RESOURCE_EXHAUSTED"
        case ErrorKind.REQUEST_TIMEOUT | ErrorKind.UPSTREAM_TIMEOUT:
            return "DEADLINE_EXCEEDED"
        case ErrorKind.INTERNAL:
            return "INTERNAL"
        case (
            ErrorKind.OVERLOADED
            | ErrorKind.GATE_UNAVAILABLE
            | ErrorKind.NO_ROUTE
            | ErrorKind.UPSTREAM_UNAVAILABLE
            | ErrorKind.UPSTREAM_BAD_RESPONSE
            | ErrorKind.UPSTREAM_CUT
        ):
            return "UNAVAILABLE"
        case other:
            assert_never(other)
