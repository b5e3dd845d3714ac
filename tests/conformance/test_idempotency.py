"""`Idempotency-Key` as the official SDKs send it: whole and streamed answers come again, and are charged once."""

import threading
from collections.abc import Iterator
from typing import Any

import anthropic
import openai
import pytest

from tests.conformance.dialects import TEXT, model
from tests.fakes import Answer, FakeProvider, Scene, answers
from tests.fakes.gateway import Gateway

HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture
def provider(four: tuple[Gateway, FakeProvider]) -> FakeProvider:
    four[1].always(Scene())
    return four[1]


@pytest.fixture
def chat(four: tuple[Gateway, FakeProvider]) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=four[0].base_url, api_key=four[0].key, max_retries=0) as made:
        yield made


@pytest.fixture
def claude(four: tuple[Gateway, FakeProvider]) -> Iterator[anthropic.Anthropic]:
    with anthropic.Anthropic(base_url=four[0].url, api_key=four[0].key, max_retries=0) as made:
        yield made


def named(name: str) -> dict[str, str]:
    return {"Idempotency-Key": name}


def test_openai_whole(chat: openai.OpenAI, provider: FakeProvider) -> None:
    raw = [
        chat.chat.completions.with_raw_response.create(
            model=model("messages"), messages=HELLO, extra_headers=named("chat-1")
        )
        for _ in range(2)
    ]
    assert raw[0].http_response.content == raw[1].http_response.content
    assert raw[1].parse().choices[0].message.content == TEXT
    assert raw[1].headers["x-request-id"] == raw[0].headers["x-request-id"]
    assert (raw[0].headers.get("idempotent-replayed"), raw[1].headers["idempotent-replayed"]) == (None, "true")
    assert len(provider.requests) == 1
    with pytest.raises(openai.UnprocessableEntityError) as refused:
        chat.chat.completions.create(model=model("chat"), messages=HELLO, extra_headers=named("chat-1"))
    assert refused.value.code == "idempotency_mismatch"


def test_openai_streams(chat: openai.OpenAI, provider: FakeProvider) -> None:
    for _ in range(2):
        chunks = list(
            chat.chat.completions.create(
                model=model("chat"), messages=HELLO, stream=True, extra_headers=named("chat-stream")
            )
        )
        assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks if chunk.choices) == TEXT
    assert len(provider.requests) == 1
    for _ in range(2):
        with chat.responses.stream(model=model("gemini"), input="Hello", extra_headers=named("responses")) as events:
            kinds = [event.type for event in events]
            assert events.get_final_response().output_text == TEXT
        assert kinds[-1] == "response.completed"
    assert len(provider.requests) == 2


def test_anthropic(claude: anthropic.Anthropic, provider: FakeProvider) -> None:
    whole = [
        claude.messages.create(model=model("chat"), messages=HELLO, max_tokens=9, extra_headers=named("claude-1"))
        for _ in range(2)
    ]
    assert whole[0] == whole[1]
    assert whole[0]._request_id == whole[1]._request_id
    assert len(provider.requests) == 1
    for _ in range(2):
        with claude.messages.stream(
            model=model("messages"), messages=HELLO, max_tokens=9, extra_headers=named("claude-2")
        ) as stream:
            assert "".join(stream.text_stream) == TEXT
            assert stream.get_final_message().stop_reason == "end_turn"
    assert len(provider.requests) == 2
    with pytest.raises(anthropic.APIStatusError) as refused:
        claude.messages.create(model=model("chat"), messages=HELLO, max_tokens=8, extra_headers=named("claude-1"))
    assert refused.value.status_code == 422


def test_an_sdk_that_tries_again_while_the_first_runs_gets_its_answer(
    four: tuple[Gateway, FakeProvider], provider: FakeProvider
) -> None:
    told: list[bytes] = []
    provider.next(Answer(answers.unary(), delay_s=1.5))

    def ask() -> None:
        with openai.OpenAI(base_url=four[0].base_url, api_key=four[0].key, max_retries=5) as client:
            raw = client.chat.completions.with_raw_response.create(
                model=model("chat"), messages=HELLO, extra_headers=named("two-at-once")
            )
            told.append(raw.http_response.content)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(told) == 2
    assert told[0] == told[1]
    assert len(provider.requests) == 1
