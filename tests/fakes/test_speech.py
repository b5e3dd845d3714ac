"""The fake's four dialects are those of the official SDKs, which read each answer with their own accumulators."""

import json
from typing import Any

import httpx
import pytest
from anthropic import Anthropic
from google import genai
from openai import OpenAI

from tests.conformance import spec
from tests.fakes import FakeProvider, Scene, Trouble
from tests.fakes.scene import Call, Refuse, Say, Think, Tokens
from tests.fakes.speech import dialect_of

SEAL = "c2VhbGVkIHJlYXNvbmluZw=="
CALLS = (Call("weather", '{"city": "Paris"}', "call_a1"), Call("time", '{"zone": "CET"}', "call_a2"))
SCENE = Scene(
    (Think("I need both.", SEAL), Say("Let me look."), *CALLS), "tools", tokens=Tokens(11, 5, 3, said=7, thought=2)
)
HELLO: list[Any] = [{"role": "user", "content": "Hello"}]


@pytest.fixture(scope="module")
def shared() -> Any:
    with FakeProvider() as provider:
        yield provider


@pytest.fixture
def provider(shared: FakeProvider) -> FakeProvider:
    shared.forget()
    shared.always(SCENE)
    return shared


def test_chat(provider: FakeProvider) -> None:
    with OpenAI(base_url=provider.url, api_key="k", max_retries=0, _strict_response_validation=True) as client:
        whole = client.chat.completions.create(model="m", messages=HELLO)
        spec.assert_valid(_without(whole.model_dump(exclude_unset=True)), "CreateChatCompletionResponse")
        with client.chat.completions.stream(
            model="m", messages=HELLO, stream_options={"include_usage": True}
        ) as stream:
            gathered = stream.get_final_completion()
    for one in (whole, gathered):
        (choice,) = one.choices
        assert (choice.finish_reason, choice.message.content) == ("tool_calls", "Let me look.")
        calls = [call for call in choice.message.tool_calls or () if call.type == "function"]
        assert [(call.id, call.function.name, call.function.arguments) for call in calls] == [
            (call.id, call.name, call.arguments) for call in CALLS
        ]
        assert one.usage is not None
        assert (one.usage.prompt_tokens, one.usage.completion_tokens) == (19, 9)


def test_responses(provider: FakeProvider) -> None:
    with OpenAI(base_url=provider.url, api_key="k", max_retries=0, _strict_response_validation=True) as client:
        whole = client.responses.create(model="m", input="Hello")
        with client.responses.stream(model="m", input="Hello") as stream:
            gathered = stream.get_final_response()
    for one in (whole, gathered):
        kinds = [item.type for item in one.output]
        assert kinds == ["reasoning", "message", "function_call", "function_call"]
        assert one.output_text == "Let me look."
        assert one.usage is not None
        assert (one.usage.total_tokens, one.usage.input_tokens_details.cached_tokens) == (28, 5)


def test_responses_are_as_described(provider: FakeProvider) -> None:
    scenes = [SCENE, Scene((Refuse("I will not."),)), Scene(stop="length"), Scene(fails="error")]
    for scene in scenes:
        provider.next(scene, scene)
        asked = {"model": "m", "input": "Hello"}
        spec.assert_valid(httpx.post(f"{provider.url}/responses", json=asked).json(), "Response")
        told = httpx.post(f"{provider.url}/responses", json=asked | {"stream": True}).text
        events = [json.loads(line[6:]) for line in told.split("\n") if line.startswith("data: ")]
        assert [event["sequence_number"] for event in events] == list(range(len(events)))
        for event in events:
            spec.assert_event(event)


def test_messages(provider: FakeProvider) -> None:
    origin = provider.url.removesuffix("/v1")
    with Anthropic(base_url=origin, api_key="k", max_retries=0, _strict_response_validation=True) as client:
        whole = client.messages.create(model="m", messages=HELLO, max_tokens=9)
        with client.messages.stream(model="m", messages=HELLO, max_tokens=9) as stream:
            gathered = stream.get_final_message()
        assert client.messages.count_tokens(model="m", messages=HELLO).input_tokens == 17
    for one in (whole, gathered):
        assert [block.type for block in one.content] == ["thinking", "text", "tool_use", "tool_use"]
        assert one.content[0].type == "thinking"
        assert one.content[0].signature == SEAL
        assert one.content[2].type == "tool_use"
        assert (one.content[2].id, one.content[2].input) == ("call_a1", {"city": "Paris"})
        assert (one.stop_reason, one.usage.output_tokens, one.usage.cache_read_input_tokens) == ("tool_use", 9, 5)


def test_gemini(provider: FakeProvider) -> None:
    options: Any = {"base_url": provider.url.removesuffix("/v1")}
    with genai.Client(api_key="k", http_options=options) as client:
        whole = client.models.generate_content(model="m", contents="Hello")
        chunks = list(client.models.generate_content_stream(model="m", contents="Hello"))
        assert client.models.count_tokens(model="m", contents="Hello").total_tokens == 17
        assert [one.name for one in client.models.list()] == ["models/fake-1", "models/fake-2"]
    for parts in (_parts([whole]), _parts(chunks)):
        assert "".join(part.text or "" for part in parts if not part.thought) == "Let me look."
        calls = [part for part in parts if part.function_call]
        assert [call.function_call.args for call in calls] == [{"city": "Paris"}, {"zone": "CET"}]
        # Of parallel calls only the first one is sealed.
        assert [bool(call.thought_signature) for call in calls] == [True, False]
    for last in (whole, chunks[-1]):
        assert last.usage_metadata is not None
        assert (last.usage_metadata.prompt_token_count, last.usage_metadata.candidates_token_count) == (19, 7)


def test_gemini_as_an_array(provider: FakeProvider) -> None:
    told = httpx.post(f"{provider.gemini_url}/models/m:streamGenerateContent", json={}).json()
    assert told[-1]["candidates"][0]["finishReason"] == "STOP"


def test_completions(provider: FakeProvider) -> None:
    # Not strict: the SDK has no type of its own for chunks, whose `finish_reason` is null.
    with OpenAI(base_url=provider.url, api_key="k", max_retries=0) as client:
        assert client.completions.create(model="m", prompt="Hello").choices[0].text == "Let me look."
        chunks = list(client.completions.create(model="m", prompt="Hello", stream=True))
    assert "".join(chunk.choices[0].text for chunk in chunks) == "Let me look."


PATHS = {
    "/chat/completions": {"model": "m"},
    "/responses": {"model": "m"},
    "/messages": {"model": "m"},
    "/models/m:generateContent": {},
}


@pytest.mark.parametrize("path", PATHS)
def test_failures(provider: FakeProvider, path: str) -> None:
    provider.next(Trouble(529, "Too much."), Scene(fails="error"), Scene(fails="cut"))
    refused = httpx.post(provider.url + path, json=PATHS[path])
    assert (refused.status_code, refused.json()["error"]["message"]) == (529, "Too much.")
    assert httpx.post(provider.url + path, json=PATHS[path]).json()["error"]["message"]
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(provider.url + path, json=PATHS[path])


@pytest.mark.parametrize("path", PATHS)
def test_failures_of_streams(provider: FakeProvider, path: str) -> None:
    asked = PATHS[path] | {"stream": True}
    target = provider.url + path.replace(":generateContent", ":streamGenerateContent?alt=sse")
    provider.next(Scene(fails="error"), Scene(fails="cut"))
    told = httpx.post(target, json=asked).text
    assert "The fake provider fails." in told
    assert "Hel" in told
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(target, json=asked)


def test_paths() -> None:
    assert dialect_of("/v1/chat/completions") == "chat"
    assert dialect_of("/v1/completions?a=b") == "completions"
    assert dialect_of("/v1/models/a:b:streamGenerateContent?alt=sse") == "gemini"
    with pytest.raises(AssertionError):
        dialect_of("/v1/embeddings")


def _parts(answers: Any) -> list[Any]:
    return [part for one in answers for part in (one.candidates[0].content.parts if one.candidates[0].content else ())]


def _without(completion: dict[str, Any]) -> dict[str, Any]:
    """`reasoning_content` is not OpenAI's own, but what most others send."""
    for choice in completion["choices"]:
        choice["message"].pop("reasoning_content", None)
    return completion
