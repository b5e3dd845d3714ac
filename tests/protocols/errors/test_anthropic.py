"""Anthropic's error envelope, as its own SDK reads it."""

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.anthropic import frame, render, type_of


@pytest.mark.parametrize(
    ("kind", "type_"),
    [
        (ErrorKind.BAD_REQUEST, "invalid_request_error"),
        (ErrorKind.INVALID_API_KEY, "authentication_error"),
        (ErrorKind.INSUFFICIENT_QUOTA, "billing_error"),
        (ErrorKind.MODEL_NOT_ALLOWED, "permission_error"),
        (ErrorKind.MODEL_NOT_FOUND, "not_found_error"),
        (ErrorKind.REQUEST_TOO_LARGE, "request_too_large"),
        (ErrorKind.RATE_LIMITED, "rate_limit_error"),
        (ErrorKind.INTERNAL, "api_error"),
        (ErrorKind.UPSTREAM_TIMEOUT, "timeout_error"),
        (ErrorKind.OVERLOADED, "overloaded_error"),
    ],
)
def test_promised_types(kind: ErrorKind, type_: str) -> None:
    assert type_of(GatewayError(kind, "words")) == type_


@pytest.mark.parametrize(
    ("status", "type_"),
    [
        (400, "invalid_request_error"),
        (404, "not_found_error"),
        (413, "request_too_large"),
        (422, "invalid_request_error"),
    ],
)
def test_what_the_provider_refused_is_typed_by_its_status(status: int, type_: str) -> None:
    assert type_of(GatewayError(ErrorKind.UPSTREAM_REFUSED, "words", status=status)) == type_


def test_the_envelope_holds_the_cause_and_the_exchange() -> None:
    error = GatewayError(ErrorKind.MODEL_NOT_ALLOWED, "words")
    assert msgspec.json.decode(render(error, "gw_1")) == {
        "type": "error",
        "error": {"type": "permission_error", "message": "words", "details": {"error_code": "model_not_allowed"}},
        "request_id": "gw_1",
    }
    assert frame(error, "gw_1") == b"event: error\ndata: " + render(error, "gw_1") + b"\n\n"


def test_a_path_leads_the_message_unless_it_is_in_it() -> None:
    def message(error: GatewayError) -> str:
        said: str = msgspec.json.decode(render(error, "x"))["error"]["message"]
        return said

    assert message(GatewayError(ErrorKind.BAD_REQUEST, "Not a string.", param="messages[0].role")) == (
        "messages[0].role: Not a string."
    )
    assert message(GatewayError(ErrorKind.BAD_REQUEST, "Missing 'model'.", param="model")) == "Missing 'model'."
