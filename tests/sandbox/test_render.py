"""The sandbox speaks as OpenAI's API description says, without a field that is not in it."""

import copy
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest

from fastgw.sandbox import render
from fastgw.sandbox.compose import Answer
from tests.sandbox.test_compose import TIME, WEATHER, said

SPEC = Path(__file__).parents[1] / "specs" / "openai-chat-2026-08.json"
STAMP = render.Stamp("abc1", 1_800_000_000)


def _closed(schema: Any) -> Any:
    """The same schema, in which an object with named properties has no other."""
    if isinstance(schema, dict):
        closed = {name: _closed(value) for name, value in schema.items()}
        if isinstance(schema.get("properties"), dict) and "allOf" not in schema:
            closed.setdefault("additionalProperties", False)
        return closed
    return [_closed(value) for value in schema] if isinstance(schema, list) else schema


_document = _closed(msgspec.json.decode(SPEC.read_bytes()))


def check(value: bytes, name: str) -> Any:
    """Decode `value` and hold it against the schema `name`."""
    decoded = msgspec.json.decode(value)
    jsonschema.validate(decoded, copy.copy(_document) | {"$ref": f"#/components/schemas/{name}"})
    return decoded


VARIANTS: list[dict[str, Any]] = [
    {},
    {"n": 3},
    {"logprobs": True, "top_logprobs": 3},
    {"logprobs": True},
    {"model": "tools:tools=2", "tools": [WEATHER, TIME]},
    {"model": "tools:tools=2", "tools": [WEATHER, TIME], "n": 2},
    {"max_tokens": 1},
    {"response_format": {"type": "json_object"}},
]


@pytest.mark.parametrize("variant", VARIANTS)
def test_unary(variant: dict[str, Any]) -> None:
    answer = said(**variant)
    body = check(render.completion(answer, STAMP), "CreateChatCompletionResponse")
    assert [choice["index"] for choice in body["choices"]] == list(range(variant.get("n", 1)))
    assert body["usage"]["total_tokens"] == body["usage"]["prompt_tokens"] + body["usage"]["completion_tokens"]


@pytest.mark.parametrize("variant", VARIANTS)
@pytest.mark.parametrize("include_usage", [False, True])
def test_a_stream_tells_the_same_as_the_unary_answer(variant: dict[str, Any], include_usage: bool) -> None:
    answer = said(**variant)
    events = list(render.events(answer, STAMP, include_usage=include_usage))
    assert events.pop() == b"data: [DONE]\n\n"
    chunks = [check(_data(event), "CreateChatCompletionStreamResponse") for event in events]
    whole = msgspec.json.decode(render.completion(answer, STAMP))
    if include_usage:
        last = chunks.pop()
        assert (last["choices"], last["usage"]) == ([], whole["usage"])
        assert all(chunk["usage"] is None for chunk in chunks)
    else:
        assert all("usage" not in chunk for chunk in chunks)
    assert _merged(chunks, answer) == [
        (choice["message"]["content"], _names(choice["message"]), choice["finish_reason"])
        for choice in whole["choices"]
    ]


def test_models_and_errors() -> None:
    assert {one["id"] for one in check(render.models(), "ListModelsResponse")["data"]} >= {"echo", "slow", "cut"}
    echo = render.model("echo")
    assert echo is not None
    check(echo, "Model")
    assert render.model("nope") is None
    check(render.error("What", "invalid_request_error", param="model", code="x"), "ErrorResponse")


def _data(event: bytes) -> bytes:
    assert event.startswith(b"data: ")
    assert event.endswith(b"\n\n")
    return event[6:-2]


def _names(message: dict[str, Any]) -> list[tuple[str, str, str]]:
    calls = message.get("tool_calls", [])
    return [(call["id"], call["function"]["name"], call["function"]["arguments"]) for call in calls]


def _merged(chunks: list[dict[str, Any]], answer: Answer) -> list[tuple[str | None, list[Any], str]]:
    """Text, tool calls and finish reason of each choice, put together as clients do."""
    merged = []
    for index in range(answer.choices):
        text, finish = "", None
        calls: list[list[str]] = []
        for choice in (chunk["choices"][0] for chunk in chunks):
            if choice["index"] != index:
                continue
            text += choice["delta"].get("content") or ""
            finish = choice["finish_reason"] or finish
            for delta in choice["delta"].get("tool_calls", []):
                if delta["index"] == len(calls):
                    calls.append([delta["id"], delta["function"]["name"], ""])
                calls[delta["index"]][2] += delta["function"]["arguments"]
        assert finish is not None
        merged.append((text if not calls else None, [tuple(call) for call in calls], finish))
    return merged
