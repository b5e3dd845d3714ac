"""Google's Gen AI SDK for Python before providers of four dialects, under both versions of its paths."""

from collections.abc import Iterator
from typing import Any

import pytest
from google import genai
from google.genai import errors, types

from tests.cells.scenarios import SEAL
from tests.conformance.dialects import FINE, LOOK, PLACE, PROVIDERS, RESULTS, TEXT, THOUGHT, Place, asked, model
from tests.fakes import FakeProvider, Scene, Trouble
from tests.fakes.gateway import Gateway
from tests.fakes.scene import Tokens

pytestmark = pytest.mark.parametrize("dialect", PROVIDERS)

TOOLS: list[Any] = [
    types.Tool(
        function_declarations=[
            types.FunctionDeclaration(
                name=name,
                description=f"Tells the {name}.",
                parameters_json_schema={"type": "object", "properties": {slot: {"type": "string"}}},
            )
            for name, slot in (("weather", "city"), ("time", "zone"))
        ]
    )
]


@pytest.fixture
def provider(four: tuple[Gateway, FakeProvider]) -> FakeProvider:
    return four[1]


@pytest.fixture(scope="module", params=["v1", "v1beta"])
def client(_four: tuple[Gateway, FakeProvider], request: pytest.FixtureRequest) -> Iterator[genai.Client]:
    gateway = _four[0]
    options = types.HttpOptions(base_url=gateway.url, api_version=request.param)
    with genai.Client(api_key=gateway.key, http_options=options) as made:
        yield made


def test_generate_content(client: genai.Client, provider: FakeProvider, dialect: str) -> None:
    provider.always(Scene(tokens=Tokens(11, 5, 0, 7, 0)))
    config = types.GenerateContentConfig(max_output_tokens=64, system_instruction="Be brief.")
    asking: dict[str, Any] = {"model": model(dialect), "contents": "Hello", "config": config}
    whole = client.models.generate_content(**asking)
    chunks = list(client.models.generate_content_stream(**asking))
    assert whole.text == "".join(chunk.text or "" for chunk in chunks) == TEXT
    for last in (whole, chunks[-1]):
        assert last.candidates is not None
        assert last.candidates[0].finish_reason == types.FinishReason.STOP
        usage = last.usage_metadata
        assert usage is not None
        assert (usage.prompt_token_count, usage.cached_content_token_count) == (16, 5)
        assert (usage.candidates_token_count, usage.total_token_count) == (7, 23)
    for one in asked(provider, dialect):
        assert (one.text, one.system, one.cap) == ("Hello", "Be brief.", 64)


def test_tools_in_two_turns(client: genai.Client, provider: FakeProvider, dialect: str) -> None:
    provider.next(LOOK, FINE)
    thinking = types.ThinkingConfig(include_thoughts=True, thinking_budget=2_048)
    off = types.AutomaticFunctionCallingConfig(disable=True)
    config = types.GenerateContentConfig(tools=TOOLS, thinking_config=thinking, automatic_function_calling=off)
    first = client.models.generate_content(model=model(dialect), contents="Hello", config=config)
    assert first.candidates is not None
    turn = first.candidates[0].content
    assert turn is not None
    parts = turn.parts or []
    assert "".join(part.text or "" for part in parts if part.thought) == THOUGHT
    calls = [part.function_call for part in parts if part.function_call]
    assert [call.name for call in calls] == ["weather", "time"]
    said = []
    for call, text in zip(calls, RESULTS, strict=True):
        response = types.FunctionResponse(id=call.id, name=call.name, response={"output": text})
        said.append(types.Part(function_response=response))
    asked_first = types.Content(role="user", parts=[types.Part(text="Hello")])
    history: list[Any] = [asked_first, turn, types.Content(role="user", parts=said)]
    last = client.models.generate_content(model=model(dialect), contents=history, config=config)
    assert last.text == "Sunny, and noon."
    second = asked(provider, dialect)[1]
    assert [name for _, name, _ in second.calls] == ["weather", "time"]
    assert [text for _, text in second.results] == RESULTS
    assert second.seals == ([] if dialect == "chat" else [SEAL])


def test_a_chat_that_streams(client: genai.Client, provider: FakeProvider, dialect: str) -> None:
    provider.next(Scene(), FINE)
    chat = client.chats.create(model=model(dialect))
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("Hello")) == TEXT
    assert "".join(chunk.text or "" for chunk in chat.send_message_stream("More")) == "Sunny, and noon."
    if dialect == "gemini":
        # The SDK keeps each chunk as a turn of its own, and its own dialect gets them as they are.
        assert [one["role"] for one in provider.requests[1].json["contents"]] == ["user", *["model"] * 4, "user"]
    else:
        assert asked(provider, dialect)[1].text == "HelloMore"


def test_a_structured_answer(client: genai.Client, provider: FakeProvider, dialect: str) -> None:
    provider.next(PLACE)
    config = types.GenerateContentConfig(response_mime_type="application/json", response_schema=Place)
    told = client.models.generate_content(model=model(dialect), contents="Where?", config=config)
    assert told.parsed == Place(city="Paris", people=2_100_000)
    (one,) = asked(provider, dialect)
    assert set(one.schema["properties"]) == {"city", "people"}


def test_count_tokens(client: genai.Client, dialect: str) -> None:
    told = client.models.count_tokens(model=model(dialect), contents="Hello")
    assert told.total_tokens


def test_models(client: genai.Client, dialect: str) -> None:
    names = [one.name for one in client.models.list(config={"page_size": 2})]
    assert f"models/{model(dialect)}" in names
    assert client.models.get(model=model(dialect)).name == f"models/{model(dialect)}"


def test_errors(client: genai.Client, provider: FakeProvider, dialect: str) -> None:
    provider.always(Trouble(500))
    with pytest.raises(errors.ServerError) as failed:
        client.models.generate_content(model=model(dialect), contents="Hello")
    assert failed.value.status
    provider.always(Trouble(400, "The word 'bad' is not allowed."))
    with pytest.raises(errors.ClientError, match="'bad' is not allowed"):
        client.models.generate_content(model=model(dialect), contents="Hello")
    with pytest.raises(errors.ClientError) as unknown:
        client.models.generate_content(model=f"{dialect}/no-such-model", contents="Hello")
    assert (unknown.value.code, unknown.value.status) == (404, "NOT_FOUND")


def test_a_stream_that_breaks_off(client: genai.Client, provider: FakeProvider, dialect: str) -> None:
    provider.next(Scene(fails="error"))
    text = ""
    with pytest.raises(errors.APIError):
        for chunk in client.models.generate_content_stream(model=model(dialect), contents="Hello"):
            text += chunk.text or ""
            assert not (chunk.candidates and chunk.candidates[0].finish_reason)
    assert TEXT.startswith(text)
    assert text
