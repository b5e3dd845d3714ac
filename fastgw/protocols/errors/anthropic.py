"""Anthropic's error envelope: `{"type":"error","error":{"type","message","details"},"request_id"}`.

Types: docs.claude.com/en/api/errors, 2026-08. `details.error_code` is where its SDKs look for the cause (`error_code`
of their exceptions, anthropic-python 2.12, 2026-11); what they do not know there they treat as the bare type.
"""

from typing import assert_never

import msgspec

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.openai import code_of

_encode = msgspec.json.encode


class _Details(msgspec.Struct):
    error_code: str


class _Error(msgspec.Struct):
    type: str
    message: str
    details: _Details


class _Envelope(msgspec.Struct):
    type: str
    error: _Error
    request_id: str


def render(error: GatewayError, exchange_id: str) -> bytes:
    """The body of an error answer."""
    details = _Details(error.code or code_of(error.kind))
    return _encode(_Envelope("error", _Error(type_of(error), _located(error), details), exchange_id))


def frame(error: GatewayError, exchange_id: str) -> bytes:
    """The event that ends a stream which has begun. No `message_stop` follows: the answer is not complete."""
    return b"event: error\ndata: " + render(error, exchange_id) + b"\n\n"


def _located(error: GatewayError) -> str:
    """The message; Anthropic has no field for a path, its own messages begin with it (`messages.0.role: ...`)."""
    if error.param is None or error.param in error.message:
        return error.message
    return f"{error.param}: {error.message}"


_REFUSED = {404: "not_found_error", 408: "timeout_error", 409: "conflict_error", 413: "request_too_large"}


def type_of(error: GatewayError) -> str:  # noqa: PLR0911, PLR0912  one arm for each kind: the match is the table
    """Anthropic's `type` for an error."""
    kind = error.kind
    match kind:
        case (
            ErrorKind.BAD_REQUEST
            | ErrorKind.KEY_IN_QUERY
            | ErrorKind.METHOD_NOT_ALLOWED
            | ErrorKind.UNSUPPORTED_ENCODING
            | ErrorKind.IDEMPOTENCY_MISMATCH
            | ErrorKind.CLIENT_GONE
        ):
            return "invalid_request_error"
        case ErrorKind.IDEMPOTENCY_IN_FLIGHT | ErrorKind.IDEMPOTENCY_NOT_KEPT:
            return "conflict_error"
        case ErrorKind.UPSTREAM_REFUSED:
            return _REFUSED.get(error.status, "invalid_request_error")
        case ErrorKind.INVALID_API_KEY | ErrorKind.KEY_EXPIRED:
            return "authentication_error"
        case ErrorKind.IP_NOT_ALLOWED | ErrorKind.MODEL_NOT_ALLOWED:
            return "permission_error"
        case ErrorKind.INSUFFICIENT_QUOTA:
            return "billing_error"
        case ErrorKind.MODEL_NOT_FOUND | ErrorKind.NOT_FOUND:
            return "not_found_error"
        case ErrorKind.REQUEST_TOO_LARGE:
            return "request_too_large"
        case ErrorKind.RATE_LIMITED | ErrorKind.UPSTREAM_RATE_LIMITED:
            return "rate_limit_error"
        case ErrorKind.REQUEST_TIMEOUT | ErrorKind.UPSTREAM_TIMEOUT:
            return "timeout_error"
        case ErrorKind.OVERLOADED | ErrorKind.NO_ROUTE:
            return "overloaded_error"
        case (
            ErrorKind.GATE_UNAVAILABLE
            | ErrorKind.INTERNAL
            | ErrorKind.UPSTREAM_UNAVAILABLE
            | ErrorKind.UPSTREAM_BAD_RESPONSE
            | ErrorKind.UPSTREAM_CUT
        ):
            return "api_error"
        case other:
            assert_never(other)
