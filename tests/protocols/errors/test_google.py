"""Google's error envelope."""

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.google import array, frame, render, status_of


@pytest.mark.parametrize(
    ("kind", "status"),
    [
        (ErrorKind.BAD_REQUEST, "INVALID_ARGUMENT"),
        (ErrorKind.INVALID_API_KEY, "UNAUTHENTICATED"),
        (ErrorKind.MODEL_NOT_ALLOWED, "PERMISSION_DENIED"),
        (ErrorKind.MODEL_NOT_FOUND, "NOT_FOUND"),
        (ErrorKind.RATE_LIMITED, "RESOURCE_EXHAUSTED"),
        (ErrorKind.INTERNAL, "INTERNAL"),
        (ErrorKind.OVERLOADED, "UNAVAILABLE"),
        (ErrorKind.UPSTREAM_TIMEOUT, "DEADLINE_EXCEEDED"),
    ],
)
def test_promised_statuses(kind: ErrorKind, status: str) -> None:
    assert status_of(GatewayError(kind, "words")) == status


@pytest.mark.parametrize(("status", "name"), [(400, "INVALID_ARGUMENT"), (404, "NOT_FOUND"), (422, "INVALID_ARGUMENT")])
def test_what_the_provider_refused_is_named_by_its_status(status: int, name: str) -> None:
    assert status_of(GatewayError(ErrorKind.UPSTREAM_REFUSED, "words", status=status)) == name


def test_the_envelope_holds_the_number_and_no_detail_that_there_is_not() -> None:
    seen = msgspec.json.decode(render(GatewayError(ErrorKind.MODEL_NOT_FOUND, "words"), "gw_1"))
    assert seen == {"error": {"code": 404, "message": "words", "status": "NOT_FOUND", "details": []}}


def test_a_wait_and_a_path_are_details() -> None:
    error = GatewayError(ErrorKind.RATE_LIMITED, "words", param="contents[0]", retry_after_s=7)
    assert msgspec.json.decode(render(error, "gw_1"))["error"]["details"] == [
        {"@type": "type.googleapis.com/google.rpc.RetryInfo", "retryDelay": "7s"},
        {
            "@type": "type.googleapis.com/google.rpc.BadRequest",
            "fieldViolations": [{"field": "contents[0]", "description": "words"}],
        },
    ]


def test_the_sdk_knows_an_error_event_by_its_first_key() -> None:
    # google-genai 3.4 compares how a chunk begins.
    error = GatewayError(ErrorKind.UPSTREAM_CUT, "words")
    assert frame(error, "x").startswith(b'data: {"error":')
    assert msgspec.json.decode(array(error, "x")) == [msgspec.json.decode(render(error, "x"))]
