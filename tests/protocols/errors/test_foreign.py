"""Errors of every provider are read, and nothing in them leads to the provider or its account."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.errors.foreign import MESSAGE_LENGTH_MAX, NO_REASON, Foreign, read_foreign, redact


@pytest.mark.parametrize(
    ("body", "message", "param", "code"),
    [
        (
            '{"error":{"message":"too long","type":"x","param":"messages","code":"context_length_exceeded"}}',
            "too long", "messages", "context_length_exceeded",
        ),
        ('{"error":"plain"}', "plain", None, None),
        ('{"error":{"message":"n","code":400}}', "n", None, "400"),
        ('{"error":{"type":"x"}}', NO_REASON, None, None),
        ('{"code":"Client specified an invalid argument","error":"xAI says"}', "xAI says", None,
         "Client specified an invalid argument"),
        ('{"object":"error","message":"vllm","type":"BadRequestError","param":"n","code":400}', "vllm", "n", "400"),
        (
            '{"object":"error","message":{"detail":[{"type":"missing","loc":["body","messages",0,"role"],'
            '"msg":"Field required"}]},"type":"invalid_request_error"}',
            "Field required", "messages[0].role", None,
        ),
        ('{"type":"error","error":{"type":"invalid_request_error","message":"max_tokens: required"},"request_id":"r"}',
         "max_tokens: required", None, None),
        ('{"type":"error","error":{"type":"api_error","message":"m","details":{"error_code":"cmek_key_disabled"}}}',
         "m", None, "cmek_key_disabled"),
        (
            '{"error":{"code":400,"message":"bad","status":"INVALID_ARGUMENT","details":[{"@type":"x"},'
            '{"@type":"type.googleapis.com/google.rpc.BadRequest","fieldViolations":[{"field":"contents[0]",'
            '"description":"d"}]}]}}',
            "bad", "contents[0]", "INVALID_ARGUMENT",
        ),
        ('[{"error":{"code":404,"message":"gone","status":"NOT_FOUND"}}]', "gone", None, "NOT_FOUND"),
        ('{"error":{"code":"content_filter","message":"filtered","status":400}}', "filtered", None, "content_filter"),
        ('{"message":"flat"}', "flat", None, None),
        ('{"__type":"com.amazon.coral.validate#ValidationException","Message":"aws"}', "aws", None,
         "ValidationException"),
        ('{"message":"cohere","id":"abc"}', "cohere", None, None),
        ('{"code":"InvalidParameter","message":"dashscope","request_id":"r"}', "dashscope", None, "InvalidParameter"),
        ('{"detail":"fastapi"}', "fastapi", None, None),
        ('{"detail":[{"loc":["body","n"],"msg":"not an int","type":"int"}]}', "not an int", "n", None),
        ('{"detail":["words"]}', "words", None, None),
        ('{"base_resp":{"status_code":1004,"status_msg":"minimax"}}', "minimax", None, "1004"),
        ('{"success":false,"errors":[{"code":7000,"message":"No route"}]}', "No route", None, "7000"),
        (
            '{"error":{"message":"Provider returned error","code":400,"metadata":{"raw":'
            '"{\\"error\\":{\\"message\\":\\"the reason\\",\\"code\\":\\"c\\"}}","provider_name":"P"}}}',
            "the reason", None, "c",
        ),
        ('{"error":{"message":"Provider returned error","metadata":{"raw":"<html>"}}}', "Provider returned error", None,
         None),
    ],
)  # fmt: skip
def test_every_shape_is_read(body: str, message: str, param: str | None, code: str | None) -> None:
    assert read_foreign(body.encode()) == Foreign(message, param, code)


@pytest.mark.parametrize(
    "body",
    [
        b"", b"<html>", b"upstream connect error", b"[]", b"{}", b"\xff", b'"\xff"', b"null", b"[[]]",
        b'{"error":null}',
        b'{"error":""}', b'{"error":{}}', b'{"error":[]}', b'{"error":7}', b'{"detail":[]}', b'{"detail":[{}]}',
        b'{"message":{"a":1}}', b'{"errors":[]}', b"[" * 100_000, b'{"id":"chatcmpl-1","choices":[]}',
    ],
)  # fmt: skip
def test_what_is_no_error_is_none(body: bytes) -> None:
    assert read_foreign(body) is None


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**70), 2**70) | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["error", "message", "detail", "details", "code", "param", "status", "loc", "msg", "metadata", "raw"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(max_examples=150, deadline=None)
@given(_json)
def test_no_shape_of_json_breaks_the_reader(value: object) -> None:
    read = read_foreign(msgspec.json.encode(value))
    assert read is None or read.message


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
        "proj_a1b2c3d4e5",
        "arn:aws:iam::123456789012:user/build",
        "arn:aws-us-gov:bedrock:us-gov-west-1::foundation-model/x",
        "123456789012",
        "AKIAIOSFODNN7EXAMPLE",
        "projects/842374823/locations/us-central1/endpoints/7",
        "projects/my-company",
        "my-resource.openai.azure.com",
        "my-resource.services.ai.azure.com",
        "bedrock-runtime.eu-west-1.amazonaws.com",
        "robot-7@my-company.iam.gserviceaccount.com",
        "someone@example.org",
    ],
)
def test_nothing_leads_to_the_provider(secret: str) -> None:
    for text in (f"Incorrect key {secret} given.", secret, f"'{secret}'", f"({secret})"):
        assert secret not in redact(text)
        assert secret.partition("@")[0] not in redact(text)


@pytest.mark.parametrize(
    ("text", "hidden"),
    [
        ("Permission denied on project my-company-prod.", "my-company-prod"),
        ("Consumer 'project_number:84237482374' has been suspended.", "84237482374"),
        ("API has not been used in project 84237482374 before.", "84237482374"),
        ("Your team 3f1c-77 has no credits.", "3f1c-77"),
        ("Account 1234567890 is in arrears", "1234567890"),
    ],
)
def test_accounts_that_are_named_are_hidden(text: str, hidden: str) -> None:
    assert hidden not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "Your organization must be verified to stream this model.",
        "The required field 'messages' is missing; see the requirements.",
        "Unsupported value: 'temperature' does not support 0.5 with this model. Only the default (1) value is allowed.",
        "This model's maximum context length is 128000 tokens. However, your messages resulted in 1280001 tokens.",
        "messages.1.content.0: unexpected `tool_use_id` found in `tool_result` blocks: toolu_01A09q90qw90lq917835lq9.",
        "Invalid schema for function 'get_weather': In context=('properties', 'keywords_list'), object is wrong.",
        "The project is not ready. Key-value pairs are expected.",
    ],
)
def test_words_stay_as_they_are(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "text",
    [
        "a." * 100_000, "a-" * 100_000, "a" * 63 + "." * 3 + "b-." * 50_000, "project " * 50_000,
        "project a" + "a" * 100_000, "a@" * 100_000, "key-" * 50_000, "arn:aws" * 50_000, "x@a." * 50_000,
    ],
)  # fmt: skip
def test_a_message_made_to_be_slow_is_redacted_at_once(text: str) -> None:
    for _ in range(10):
        assert len(redact(text)) <= MESSAGE_LENGTH_MAX


def test_a_host_behind_many_labels_and_each_field_are_redacted_too() -> None:
    assert "openai" not in redact("at " + "x." * 30 + "api.openai.com/v1")
    body = b'{"error":{"message":"no","param":"https://api.openai.com/v1","code":"sk-12345678901"}}'
    assert read_foreign(body) == Foreign("no", "[redacted]", "[redacted]")
