"""OpenAI's error envelope, with `code` and `message` at the top level too: both readings that clients have are served.

`{"error":{"message","type","param","code"},"code","message"}`. Chat, legacy completions and Responses share it; their
streams differ.
"""

from typing import assert_never

import msgspec

from fastgw.errors import ErrorKind, GatewayError

_encode = msgspec.json.encode

DONE = b"data: [DONE]\n\n"


class _Error(msgspec.Struct):
    message: str
    type: str
    param: str | None
    code: str | None


class _Envelope(msgspec.Struct):
    error: _Error
    code: str | None
    message: str


class _Event(msgspec.Struct, tag="error", tag_field="type"):
    """The event `error` of a Responses stream (OpenAI's OpenAPI document, `ResponseErrorEvent`, 2026-08)."""

    code: str
    message: str
    param: str | None
    sequence_number: int


def render(error: GatewayError, exchange_id: str = "") -> bytes:
    """The body of an error answer. The exchange is named by the header `x-request-id` alone."""
    code = error.code or code_of(error.kind)
    return _encode(_Envelope(_Error(error.message, type_of(error.kind), error.param, code), code, error.message))


def frame(error: GatewayError, exchange_id: str = "") -> bytes:
    """The events that end a chat stream which has begun: the error, then the end mark that clients wait for."""
    return b"data: " + render(error) + b"\n\n" + DONE


def responses_frame(error: GatewayError, sequence_number: int = 0) -> bytes:
    """The event that ends a Responses stream in which no response exists yet; one that exists fails as a response."""
    event = _Event(error.code or code_of(error.kind), error.message, error.param, sequence_number)
    return b"event: error\ndata: " + _encode(event) + b"\n\n"


def type_of(kind: ErrorKind) -> str:  # noqa: PLR0911  one arm for each kind: the match is the table
    """OpenAI's `type` for an error kind."""
    match kind:
        case (
            ErrorKind.BAD_REQUEST
            | ErrorKind.KEY_IN_QUERY
            | ErrorKind.MODEL_NOT_FOUND
            | ErrorKind.NOT_FOUND
            | ErrorKind.METHOD_NOT_ALLOWED
            | ErrorKind.REQUEST_TIMEOUT
            | ErrorKind.REQUEST_TOO_LARGE
            | ErrorKind.UNSUPPORTED_ENCODING
            | ErrorKind.IDEMPOTENCY_IN_FLIGHT
            | ErrorKind.IDEMPOTENCY_MISMATCH
            | ErrorKind.IDEMPOTENCY_NOT_KEPT
            | ErrorKind.UPSTREAM_REFUSED
            | ErrorKind.CLIENT_GONE
        ):
            return "invalid_request_error"
        case ErrorKind.INVALID_API_KEY | ErrorKind.KEY_EXPIRED:
            return "authentication_error"
        case ErrorKind.IP_NOT_ALLOWED | ErrorKind.MODEL_NOT_ALLOWED:
            return "permission_error"
        case ErrorKind.INSUFFICIENT_QUOTA:
            return "insufficient_quota"
        case ErrorKind.RATE_LIMITED | ErrorKind.UPSTREAM_RATE_LIMITED:
            return "rate_limit_error"
        case ErrorKind.OVERLOADED | ErrorKind.GATE_UNAVAILABLE | ErrorKind.INTERNAL:
            return "server_error"
        case (
            ErrorKind.NO_ROUTE
            | ErrorKind.UPSTREAM_UNAVAILABLE
            | ErrorKind.UPSTREAM_BAD_RESPONSE
            | ErrorKind.UPSTREAM_CUT
        ):
            return "upstream_error"
        case ErrorKind.UPSTREAM_TIMEOUT:
            return "timeout_error"
        case other:
            assert_never(other)


_CODES: dict[ErrorKind, str] = {
    ErrorKind.BAD_REQUEST: "invalid_request",
    ErrorKind.KEY_IN_QUERY: "api_key_in_query",
    ErrorKind.KEY_EXPIRED: "invalid_api_key",
    ErrorKind.NO_ROUTE: "upstream_unavailable",
    ErrorKind.UPSTREAM_BAD_RESPONSE: "upstream_unavailable",
    ErrorKind.UPSTREAM_CUT: "upstream_unavailable",
    ErrorKind.UPSTREAM_RATE_LIMITED: "rate_limited",
    ErrorKind.UPSTREAM_REFUSED: "invalid_request",
    ErrorKind.INTERNAL: "internal_error",
}


def code_of(kind: ErrorKind) -> str:
    """The stable `code` for an error kind, in every dialect that has room for one: the kind's own name unless clients
    know it by another.
    """
    return _CODES.get(kind, kind.value)
