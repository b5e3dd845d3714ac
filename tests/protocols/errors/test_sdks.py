"""What the official SDKs make of our errors: of a whole answer and at the end of a stream."""

from collections.abc import Callable
from typing import Any

import anthropic
import httpx2
import openai
import pytest
from google import genai
from google.genai import errors as google_errors
from google.genai import types

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors import table

FIRST = {
    "chat": b'data: {"id":"x","object":"chat.completion.chunk","created":1,"model":"m","choices":[]}\n\n',
    "responses": b"",
    "messages": b'event: ping\ndata: {"type":"ping"}\n\n',
    "gemini": b'data: {"candidates":[{"content":{"parts":[{"text":"a"}]}}]}\n\n',
}


def answering(dialect: str, error: GatewayError, *, stream: bool) -> httpx2.Client:
    def answer(_request: httpx2.Request) -> httpx2.Response:
        if stream:
            events = FIRST[dialect] + table.frame(dialect, error, "req_1")
            return httpx2.Response(200, content=events, headers={"content-type": "text/event-stream"})
        named = [(name.decode(), value.decode()) for name, value in table.headers(dialect, error, "req_1")]
        head = {"content-type": "application/json", **dict(named)}
        return httpx2.Response(error.status, content=table.render(dialect, error, "req_1"), headers=head)

    return httpx2.Client(transport=httpx2.MockTransport(answer))


def call(dialect: str, error: GatewayError, *, stream: bool) -> list[Any]:
    """What the SDK gives for one call. Raises what it raises."""
    client = answering(dialect, error, stream=stream)
    if dialect == "messages":
        sdk = anthropic.Anthropic(api_key="x", base_url="http://gateway", http_client=client, max_retries=0)
        return list(sdk.messages.create(model="m", max_tokens=1, messages=[], stream=stream))
    if dialect == "gemini":
        google = genai.Client(
            api_key="x", http_options=types.HttpOptions(base_url="http://gateway", httpx_client=client)
        )
        ask: Callable[..., Any] = google.models.generate_content_stream if stream else google.models.generate_content
        return list(ask(model="m", contents="x"))
    oai = openai.OpenAI(api_key="x", base_url="http://gateway/v1", http_client=client, max_retries=0)
    if dialect == "chat":
        return list(oai.chat.completions.create(model="m", messages=[], stream=stream))
    return list(oai.responses.create(model="m", input="x", stream=stream))


@pytest.mark.parametrize("kind", [ErrorKind.INVALID_API_KEY, ErrorKind.MODEL_NOT_FOUND, ErrorKind.OVERLOADED])
@pytest.mark.parametrize("dialect", FIRST)
def test_an_error_answer_becomes_the_exception_of_its_status(dialect: str, kind: ErrorKind) -> None:
    with pytest.raises((openai.APIStatusError, anthropic.APIStatusError, google_errors.APIError)) as raised:
        call(dialect, GatewayError(kind, "words"), stream=False)
    seen: Any = raised.value
    match dialect:
        case "messages":
            assert (seen.status_code, seen.api_message, seen.request_id) == (kind.status, "words", "req_1")
            assert seen.error_code
        case "gemini":
            assert (seen.code, seen.message) == (kind.status, "words")
        case _:
            assert (seen.status_code, seen.body["message"]) == (kind.status, "words")
            assert seen.code


@pytest.mark.parametrize("dialect", ["chat", "messages", "gemini"])
def test_an_error_in_a_stream_is_raised_and_no_end(dialect: str) -> None:
    with pytest.raises((openai.APIError, anthropic.APIError, google_errors.APIError), match="words"):
        call(dialect, GatewayError(ErrorKind.UPSTREAM_CUT, "words"), stream=True)


def test_an_error_in_a_stream_of_responses_is_an_event() -> None:
    (event,) = call("responses", GatewayError(ErrorKind.UPSTREAM_CUT, "words"), stream=True)
    assert (event.type, event.code, event.message, event.sequence_number) == (
        "error", "upstream_unavailable", "words", 0,
    )  # fmt: skip
