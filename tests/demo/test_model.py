"""OpenAI's SDK through the gateway to a real model: real tokens, a real stream, a tool call that was forced."""

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openai
import pytest
from openai import OpenAI

from fastgw.demo.model import MODEL, threads
from tests.fakes.gateway import Gateway

# Without the server's cache of prompts, an answer does not depend on what was asked before it.
ASKED: dict[str, Any] = {
    "model": f"local/{MODEL}",
    "temperature": 0,
    "seed": 1,
    "extra_body": {"cache_prompt": False},
}
QUESTION: list[Any] = [{"role": "user", "content": "Tell me in one sentence what a lighthouse is for."}]
WEATHER: Any = {
    "type": "function",
    "function": {
        "name": "weather",
        "description": "Look up the weather of a city",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}


@pytest.fixture(scope="module")
def gateway(tmp_path_factory: pytest.TempPathFactory, model_url: str) -> Iterator[Gateway]:
    config = f'[[providers]]\nname = "local"\nbase_url = "{model_url}"\nmodels = ["{MODEL}"]\nlist_models = false\n'
    with Gateway(tmp_path_factory.mktemp("local"), config) as started:
        yield started


@pytest.fixture
def client(gateway: Gateway) -> Iterator[OpenAI]:
    with OpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0, timeout=120) as made:
        yield made


def test_the_model_answers(client: OpenAI) -> None:
    completion = client.chat.completions.create(**ASKED, messages=QUESTION, max_tokens=24)
    assert len((completion.choices[0].message.content or "").split()) > 5
    assert completion.usage is not None
    assert completion.usage.prompt_tokens > 10
    assert 0 < completion.usage.completion_tokens <= 24


def test_the_model_streams_what_it_would_say_at_once(client: OpenAI) -> None:
    whole = client.chat.completions.create(**ASKED, messages=QUESTION, max_tokens=24)
    stream = client.chat.completions.create(
        **ASKED, messages=QUESTION, max_tokens=24, stream=True, stream_options={"include_usage": True}
    )
    chunks = list(stream)
    pieces = [chunk.choices[0].delta.content for chunk in chunks if chunk.choices and chunk.choices[0].delta.content]
    assert len(pieces) > 5
    assert "".join(pieces) == whole.choices[0].message.content
    (usage,) = [chunk.usage for chunk in chunks if chunk.usage]
    assert whole.usage is not None
    assert usage.completion_tokens == whole.usage.completion_tokens


def test_a_tool_call_that_was_forced(client: OpenAI) -> None:
    completion = client.chat.completions.create(
        **ASKED,
        messages=[{"role": "user", "content": "What is the weather in Paris?"}],
        tools=[WEATHER],
        tool_choice="required",
        parallel_tool_calls=False,
        max_tokens=64,
    )
    assert completion.choices[0].finish_reason == "tool_calls"
    calls = completion.choices[0].message.tool_calls
    assert calls is not None
    assert calls[0].type == "function"
    assert calls[0].function.name == "weather"
    arguments = json.loads(calls[0].function.arguments)
    assert set(arguments) == {"city"}
    assert isinstance(arguments["city"], str)


def test_an_answer_that_keeps_to_a_schema(client: OpenAI) -> None:
    schema = {"type": "object", "properties": {"purpose": {"type": "string"}}, "required": ["purpose"]}
    form: Any = {"type": "json_schema", "json_schema": {"name": "answer", "schema": schema}}
    completion = client.chat.completions.create(**ASKED, messages=QUESTION, response_format=form, max_tokens=64)
    assert set(json.loads(completion.choices[0].message.content or "")) == {"purpose"}


def quiet(gateway: Gateway) -> dict[str, int]:
    """What was used, once the rows of all earlier tests are in: they come within a second of their answers."""
    before = gateway.until_usage(lambda told: told["by_model"])["totals"]
    for _ in range(30):
        time.sleep(1.5)
        now: dict[str, int] = gateway.until_usage(lambda told: told["by_model"])["totals"]
        if now == before:
            return now
        before = now
    raise AssertionError("usage does not come to rest")


def test_usage_is_what_the_model_reported(client: OpenAI, gateway: Gateway) -> None:
    before = quiet(gateway)
    completion = client.chat.completions.create(**ASKED, messages=QUESTION, max_tokens=8)
    assert completion.usage is not None
    after = gateway.until_usage(lambda told: told["totals"]["requests"] > before["requests"])["totals"]
    assert after["input_tokens"] - before["input_tokens"] == completion.usage.prompt_tokens
    assert after["output_tokens"] - before["output_tokens"] == completion.usage.completion_tokens


def test_a_mistake_is_told(client: OpenAI) -> None:
    with pytest.raises(openai.NotFoundError):
        client.chat.completions.create(model="local/none", messages=QUESTION)


def test_the_template_speaks_of_the_functions_it_was_given() -> None:
    template = (Path(__file__).parents[2] / "fastgw" / "demo" / "chat_template.jinja").read_text()
    assert ">>>all" in template, "the server knows the form of tool calls by this mark"


@pytest.mark.parametrize(("cores", "wanted"), [(1, 1), (2, 1), (3, 1), (4, 2), (64, 4)])
def test_it_leaves_cores_for_others(monkeypatch: pytest.MonkeyPatch, cores: int, wanted: int) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(cores)), raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: cores)
    assert threads() == wanted
