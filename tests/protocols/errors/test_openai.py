"""OpenAI's error envelope."""

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.openai import code_of, frame, render, responses_frame, type_of


@pytest.mark.parametrize("kind", ErrorKind)
def test_every_kind_has_an_envelope_of_both_shapes(kind: ErrorKind) -> None:
    seen = msgspec.json.decode(render(GatewayError(kind, "words", param="p")))
    assert seen["error"] == {"message": "words", "type": type_of(kind), "param": "p", "code": code_of(kind)}
    assert (seen["code"], seen["message"]) == (code_of(kind), "words")
    assert 400 <= kind.status < 600


@pytest.mark.parametrize(
    ("kind", "status", "code"),
    [
        (ErrorKind.INVALID_API_KEY, 401, "invalid_api_key"),
        (ErrorKind.INSUFFICIENT_QUOTA, 402, "insufficient_quota"),
        (ErrorKind.MODEL_NOT_ALLOWED, 403, "model_not_allowed"),
        (ErrorKind.IP_NOT_ALLOWED, 403, "ip_not_allowed"),
        (ErrorKind.MODEL_NOT_FOUND, 404, "model_not_found"),
        (ErrorKind.REQUEST_TOO_LARGE, 413, "request_too_large"),
        (ErrorKind.RATE_LIMITED, 429, "rate_limited"),
        (ErrorKind.UPSTREAM_UNAVAILABLE, 502, "upstream_unavailable"),
        (ErrorKind.NO_ROUTE, 503, "upstream_unavailable"),
        (ErrorKind.GATE_UNAVAILABLE, 503, "gate_unavailable"),
        (ErrorKind.UPSTREAM_TIMEOUT, 504, "upstream_timeout"),
    ],
)
def test_promised_codes(kind: ErrorKind, status: int, code: str) -> None:
    assert (kind.status, code_of(kind)) == (status, code)


def test_a_stream_ends_with_the_error_and_the_end_mark() -> None:
    data = frame(GatewayError(ErrorKind.UPSTREAM_CUT, "cut"))
    assert data.startswith(b'data: {"error":{"message":"cut"') and data.endswith(b"\n\ndata: [DONE]\n\n")


def test_a_responses_stream_without_a_response_ends_with_an_error_event() -> None:
    data = responses_frame(GatewayError(ErrorKind.UPSTREAM_CUT, "cut", param="p"), 4)
    assert data == (
        b'event: error\ndata: {"type":"error","code":"upstream_unavailable","message":"cut","param":"p",'
        b'"sequence_number":4}\n\n'
    )
