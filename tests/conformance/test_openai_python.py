"""OpenAI's own SDK for Python against a running gateway before a scripted provider: answers of every kind."""

import json
from typing import Any

import pydantic

from tests.conformance.spliced import assert_spliced
from tests.conformance.wire import CALL, HELLO, MODEL, TEXT, WEATHER, Wire
from tests.fakes import End, FakeProvider, answers

TINY: Any = {"extra_body": {"tiny": [1e-07]}}
"""Python writes `1e-07`, others `1e-7`: a body that is decoded and encoded again does not keep it."""


def test_unary(wire: Wire, provider: FakeProvider) -> None:
    completion = wire.openai.chat.completions.create(
        model=MODEL, messages=HELLO, temperature=0.30000000000000004, seed=2**53, metadata={"a": "b"}, **TINY
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
    extra = {"future": {"deep": [1, 1.0, 1e-07, None, {"ü": "😀"}]}}
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
