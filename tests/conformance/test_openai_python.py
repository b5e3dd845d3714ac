"""OpenAI's own SDK for Python against a running gateway before a scripted provider."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import httpx2
import openai
import pydantic
import pytest
from openai import OpenAI

from tests.conformance.spliced import assert_spliced
from tests.fakes import End, FakeProvider, answers
from tests.fakes.gateway import Gateway

MODEL = "fake/fake-1"
HELLO: list[Any] = [{"role": "user", "content": 'Grüß Gott, 世界 \u2028 "quoted" \\ 1e400'}]
TEXT = "Hello from the fake provider."
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Looks up the weather.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
        "strict": True,
    },
}
CALL = {"id": "call_1", "type": "function", "function": {"name": "weather", "arguments": '{"city":"Paris"}'}}


class Wire:
    """An SDK client, and the bodies that it has sent."""

    def __init__(self, base_url: str, key: str, **options: Any) -> None:
        self.sent: list[bytes] = []
        http = openai.DefaultHttpxClient(event_hooks={"request": [self._record]})
        self.openai = OpenAI(base_url=base_url, api_key=key, http_client=http, **({"max_retries": 0} | options))

    def _record(self, request: httpx2.Request) -> None:
        self.sent.append(request.content)


@pytest.fixture
def wire(gateway: Gateway) -> Iterator[Wire]:
    made = Wire(gateway.base_url, gateway.key)
    with made.openai:
        yield made


def test_unary(wire: Wire, provider: FakeProvider) -> None:
    completion = wire.openai.chat.completions.create(
        model=MODEL, messages=HELLO, temperature=0.30000000000000004, seed=2**53, user="me", metadata={"a": "b"}
    )
    assert completion.choices[0].message.content == TEXT
    assert completion.usage is not None
    assert completion.usage.prompt_tokens_details is not None
    assert (completion.usage.total_tokens, completion.usage.prompt_tokens_details.cached_tokens) == (18, 3)
    (seen,) = provider.requests
    assert (seen.method, seen.target) == ("POST", "/v1/chat/completions")
    assert_spliced(wire.sent[0], seen)


def test_the_answer_is_the_providers_and_its_headers_are_ours(wire: Wire, provider: FakeProvider) -> None:
    body = json.dumps(answers.completion(), indent=3).encode()
    provider.next(answers.whole(body, headers=(answers.JSON, *answers.LEAKING)))
    raw = wire.openai.chat.completions.with_raw_response.create(model=MODEL, messages=HELLO)
    assert raw.http_response.content == body
    assert raw.parse().choices[0].message.content == TEXT
    headers = raw.headers
    assert headers["x-request-id"] not in {"", "req_of_the_provider"}
    assert "gw;dur=" in headers["server-timing"]
    for name in ("set-cookie", "openai-organization", "x-served-by", "x-hop"):
        assert name not in headers
    assert headers.get("server") != "cloudflare"
    assert headers.get("x-ratelimit-limit-requests") != "10000"


def test_an_unknown_field_survives(wire: Wire, provider: FakeProvider) -> None:
    extra = {"future": {"deep": [1, 1.0, 1e2, None, {"ü": "😀"}]}}
    wire.openai.chat.completions.create(model=MODEL, messages=HELLO, extra_body=extra)
    assert provider.requests[0].json["future"] == extra["future"]
    assert_spliced(wire.sent[0], provider.requests[0])


def test_a_bare_model_name(wire: Wire, provider: FakeProvider) -> None:
    wire.openai.chat.completions.create(model="fake-2", messages=HELLO)
    assert_spliced(wire.sent[0], provider.requests[0], model="fake-2")


def test_stream_without_usage(wire: Wire, provider: FakeProvider) -> None:
    chunks = list(wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True))
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == TEXT
    assert all(chunk.usage is None for chunk in chunks)
    assert provider.requests[0].json["stream_options"] == {"include_usage": True}
    assert_spliced(wire.sent[0], provider.requests[0])


def test_stream_with_usage(wire: Wire, provider: FakeProvider) -> None:
    options: Any = {"include_usage": True, "include_obfuscation": False}
    stream = wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True, stream_options=options)
    chunks = list(stream)
    assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert [chunk.usage.total_tokens for chunk in chunks if chunk.usage] == [18]
    assert_spliced(wire.sent[0], provider.requests[0])


def test_chunks_arrive_while_the_provider_still_writes(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    with wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        seen_text = ""
        for chunk in stream:
            seen_text += chunk.choices[0].delta.content or ""
            if seen_text == "Hello from":
                break
        assert not provider.requests[0].done.is_set()


def test_a_tool_call(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.unary(answers.completion(None, tool_calls=[CALL])))
    completion = wire.openai.chat.completions.create(
        model=MODEL, messages=HELLO, tools=[WEATHER], tool_choice="required", parallel_tool_calls=False
    )
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.arguments == '{"city":"Paris"}'
    answered: list[Any] = [*HELLO, completion.choices[0].message.model_dump(exclude_none=True)]
    answered.append({"role": "tool", "tool_call_id": "call_1", "content": "sunny"})
    wire.openai.chat.completions.create(model=MODEL, messages=answered, tools=[WEATHER])
    for sent, seen in zip(wire.sent, provider.requests, strict=True):
        assert_spliced(sent, seen)


def test_a_streamed_tool_call_through_the_helper(wire: Wire, provider: FakeProvider) -> None:
    opened = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    pieces = [{"index": 0, "function": {"arguments": part}} for part in ('{"ci', 'ty":"Par', 'is"}')]
    events = [answers.chunk({"role": "assistant", "content": None, "tool_calls": [opened]})]
    events += [answers.chunk({"tool_calls": [piece]}) for piece in pieces]
    events += [answers.chunk(finish="tool_calls"), answers.chunk(usage=answers.USAGE), answers.DONE]
    provider.next(answers.sse(events))
    with wire.openai.chat.completions.stream(model=MODEL, messages=HELLO, tools=[WEATHER]) as stream:
        calls = stream.get_final_completion().choices[0].message.tool_calls
    assert calls is not None
    assert (calls[0].function.name, calls[0].function.parsed_arguments) == ("weather", {"city": "Paris"})
    assert_spliced(wire.sent[0], provider.requests[0])


def test_vision(wire: Wire, provider: FakeProvider) -> None:
    picture = "data:image/png;base64," + "iVBORw0KGgo" * 20_000
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": picture, "detail": "low"}},
    ]
    messages: list[Any] = [{"role": "user", "content": content}]
    wire.openai.chat.completions.create(model=MODEL, messages=messages)
    assert provider.requests[0].json["messages"] == messages
    assert_spliced(wire.sent[0], provider.requests[0])


def test_a_structured_answer(wire: Wire, provider: FakeProvider) -> None:
    class Place(pydantic.BaseModel):
        city: str
        people: int

    provider.next(answers.unary(answers.completion('{"city":"Paris","people":2100000}')))
    completion = wire.openai.chat.completions.parse(model=MODEL, messages=HELLO, response_format=Place)
    assert completion.choices[0].message.parsed == Place(city="Paris", people=2_100_000)
    assert provider.requests[0].json["response_format"]["json_schema"]["strict"] is True
    assert_spliced(wire.sent[0], provider.requests[0])


def test_several_choices(wire: Wire, provider: FakeProvider) -> None:
    body = answers.completion()
    body["choices"] = [body["choices"][0] | {"index": index} for index in range(3)]
    provider.next(answers.unary(body))
    completion = wire.openai.chat.completions.create(model=MODEL, messages=HELLO, n=3)
    assert [choice.index for choice in completion.choices] == [0, 1, 2]
    assert_spliced(wire.sent[0], provider.requests[0])


def test_log_probabilities(wire: Wire, provider: FakeProvider) -> None:
    token: dict[str, Any] = {"token": "Hello", "logprob": -0.000123456789, "bytes": [72, 101, 108, 108, 111]}
    body = answers.completion("Hello")
    body["choices"][0]["logprobs"] = {"content": [token | {"top_logprobs": [token]}], "refusal": None}
    provider.next(answers.unary(body))
    completion = wire.openai.chat.completions.create(
        model=MODEL, messages=HELLO, logprobs=True, top_logprobs=1, logit_bias={"50256": -100}
    )
    told = completion.choices[0].logprobs
    assert told is not None
    assert told.content is not None
    assert told.content[0].top_logprobs[0].logprob == -0.000123456789
    assert_spliced(wire.sent[0], provider.requests[0])


def test_models(wire: Wire) -> None:
    listed = {model.id: model for model in wire.openai.models.list()}
    assert listed["fake/fake-1"].object == "model"
    assert wire.openai.models.retrieve("fake/fake-1").id == "fake/fake-1"
    with pytest.raises(openai.NotFoundError) as caught:
        wire.openai.models.retrieve("fake/none")
    assert caught.value.code == "model_not_found"


def test_a_wrong_key(gateway: Gateway, provider: FakeProvider) -> None:
    with Wire(gateway.base_url, "sk-wrong").openai as client, pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (401, "invalid_api_key")
    assert caught.value.request_id
    assert not provider.requests


def test_an_unknown_model(wire: Wire, provider: FakeProvider) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        wire.openai.chat.completions.create(model="gpt-none", messages=HELLO)
    assert (caught.value.code, caught.value.type) == ("model_not_found", "invalid_request_error")
    assert not provider.requests


def test_a_request_that_the_gateway_refuses(wire: Wire, provider: FakeProvider) -> None:
    wrong: Any = [{"role": 7, "content": "Hello"}]
    with pytest.raises(openai.BadRequestError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=wrong)
    assert caught.value.param == "messages[0].role"
    assert not provider.requests


def test_a_request_that_the_provider_refuses(wire: Wire, provider: FakeProvider) -> None:
    provider.next(
        answers.error(400, "Invalid 'temperature'.", type="invalid_request_error", param="temperature", code="too_high")
    )
    with pytest.raises(openai.BadRequestError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=HELLO, temperature=9)
    error = caught.value
    assert (error.param, error.code, error.type) == ("temperature", "too_high", "invalid_request_error")
    assert "Invalid 'temperature'." in error.message


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_is_waited_for_and_tried_again(gateway: Gateway, provider: FakeProvider, stream: bool) -> None:
    provider.next(answers.rate_limited("1"))
    wire = Wire(gateway.base_url, gateway.key, max_retries=1)
    with wire.openai as client:
        answer: Any = client.chat.completions.create(model=MODEL, messages=HELLO, stream=stream)
        _ = list(answer) if stream else answer
    first, second = provider.requests
    assert second.at_s - first.at_s >= 0.9
    assert second.body == first.body


def test_a_rate_limit_is_told_with_its_wait(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.rate_limited("3"))
    with pytest.raises(openai.RateLimitError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.code == "rate_limited"
    assert int(caught.value.response.headers["retry-after"]) in {2, 3, 4}


def test_a_providers_failure_is_a_server_error(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.error(500), answers.error(500))
    with pytest.raises(openai.InternalServerError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unavailable")


def test_a_stream_that_breaks_off_is_an_error_and_never_an_end(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.cut_event())
    text = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True):
            text += chunk.choices[0].delta.content or ""
    assert TEXT.startswith(text)
    assert caught.value.code == "upstream_unavailable"


def test_an_impatient_client_ends_the_request_at_the_provider(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.STALL_BEFORE_HEAD)
    with pytest.raises(openai.APITimeoutError):
        wire.openai.with_options(timeout=0.5).chat.completions.create(model=MODEL, messages=HELLO)
    provider.requests[0].wait_gone()


def test_a_stream_that_is_left_ends_at_the_provider(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    with wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        next(stream)
        assert not provider.requests[0].gone.is_set()
    provider.requests[0].wait_gone()


async def test_a_task_that_is_cancelled_ends_at_the_provider(gateway: Gateway, provider: FakeProvider) -> None:
    provider.next(answers.STALL_BEFORE_HEAD)
    async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0) as client:
        asking = asyncio.ensure_future(client.chat.completions.create(model=MODEL, messages=HELLO))
        (seen,) = await provider.until_requests(1)
        assert not seen.gone.is_set()
        asking.cancel()
        await seen.until_gone()
        with pytest.raises(asyncio.CancelledError):
            await asking


def test_ctrl_c_in_a_script_ends_at_the_provider(gateway: Gateway, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    script = (
        "import sys, openai\n"
        "client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2])\n"
        "for chunk in client.chat.completions.create(model=sys.argv[3], stream=True,\n"
        "        messages=[{'role': 'user', 'content': 'Hello'}]):\n"
        "    print(chunk.id, flush=True)\n"
    )
    command = [sys.executable, "-c", script, gateway.base_url, gateway.key, MODEL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"chatcmpl-fake\n"
        assert not provider.requests[0].gone.is_set()
        process.send_signal(signal.SIGINT)
        provider.requests[0].wait_gone()
        assert process.wait(20) != 0
