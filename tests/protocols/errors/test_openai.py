"""OpenAI's error envelope, and foreign errors made safe."""

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.foreign import MESSAGE_LENGTH_MAX, read_foreign, redact
from fastgw.protocols.errors.openai import code_of, frame, render, type_of


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


@pytest.mark.parametrize(
    ("body", "message", "code"),
    [
        (b'{"error":{"message":"too long","type":"x","param":"messages","code":"context_length_exceeded"}}', "too long",
         "context_length_exceeded"),
        (b'{"error":"plain"}', "plain", None),
        (b'{"message":"flat"}', "flat", None),
        (b'{"detail":"fastapi"}', "fastapi", None),
        (b'{"error":{"message":"n","code":400}}', "n", "400"),
    ],
)  # fmt: skip
def test_foreign_errors_are_read(body: bytes, message: str, code: str | None) -> None:
    foreign = read_foreign(body)
    assert foreign is not None
    assert (foreign.message, foreign.code) == (message, code)


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b"\xff"])
def test_what_is_no_error_is_none(body: bytes) -> None:
    assert read_foreign(body) is None


@pytest.mark.parametrize(
    "secret",
    [
        "sk-proj-abcdefghijklmnop",
        "https://internal.example.com/v1?x=1",
        "api.openai.com",
        "10.1.2.3:8080",
        "org-AbCdEfGhIjKl",
        "sk-abc***********xyz",
        "AIzaSyA1234567890",
    ],
)
def test_nothing_leads_to_the_provider(secret: str) -> None:
    assert secret not in redact(f"Incorrect key {secret} given.")
    assert len(redact("x" * 100_000)) <= 2_000


@pytest.mark.parametrize("text", ["a." * 100_000, "a-" * 100_000, "a" * 63 + "." * 3 + "b-." * 50_000])
def test_a_message_made_to_be_slow_is_redacted_at_once(text: str) -> None:
    for _ in range(50):
        assert len(redact(text)) <= MESSAGE_LENGTH_MAX


def test_a_host_behind_many_labels_and_a_param_are_redacted_too() -> None:
    assert "openai" not in redact("at " + "x." * 30 + "api.openai.com/v1")
    foreign = read_foreign(b'{"error":{"message":"no","param":"https://api.openai.com/v1"}}')
    assert foreign is not None
    assert foreign.param == "[redacted]"
