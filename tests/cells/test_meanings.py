"""What would change the meaning of a question is refused with a 400 that names it; what only tunes is listed."""

from typing import Any

import pytest

from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.fakes import Scene
from tests.fakes.scene import Call

pytestmark = pytest.mark.asyncio(loop_scope="package")

HI: dict[str, Any] = {"messages": [{"role": "user", "content": "hi"}]}
SAY: dict[str, Any] = {"max_tokens": 64, "messages": [{"role": "user", "content": "hi"}]}
FILE = {"type": "file", "file": {"file_id": "file-1"}}
SOUND = {"type": "input_audio", "input_audio": {"data": "AAAA", "format": "wav"}}


def user(*parts: dict[str, Any]) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": [{"type": "text", "text": "hi"}, *parts]}]}


def gemini(*parts: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"contents": [{"role": "user", "parts": [{"text": "hi"}, *parts]}], **more}


REFUSED: list[tuple[str, dict[str, Any], tuple[str, ...], str]] = [
    ("chat", HI | {"n": 2}, ("responses", "messages"), "n"),
    ("chat", user(SOUND), ("responses", "messages"), "messages"),
    ("chat", user(FILE), ("messages", "gemini"), "messages"),
    ("chat", HI | {"audio": {"voice": "alloy", "format": "wav"}}, ("responses", "messages", "gemini"), "audio"),
    (
        "responses",
        {"input": "hi", "previous_response_id": "resp_1"},
        ("chat", "messages", "gemini"),
        "previous_response_id",
    ),
    ("responses", {"input": "hi", "conversation": "conv_1"}, ("chat", "messages", "gemini"), "conversation"),
    ("responses", {"input": "hi", "background": True}, ("chat", "messages", "gemini"), "background"),
    (
        "responses",
        {"input": [{"type": "item_reference", "id": "msg_1"}, {"role": "user", "content": "x"}]},
        ("chat", "messages", "gemini"),
        "item_reference",
    ),
    (
        "gemini",
        gemini({"fileData": {"fileUri": "gs://bucket/a.png", "mimeType": "image/png"}}),
        ("chat", "responses", "messages"),
        "contents",
    ),
    (
        "gemini",
        gemini({"inlineData": {"mimeType": "video/mp4", "data": "AAAA"}}),
        ("chat", "responses", "messages"),
        "contents",
    ),
    ("gemini", gemini(cachedContent="cachedContents/1"), ("chat", "responses", "messages"), "cachedContent"),
    (
        "gemini",
        gemini(generationConfig={"responseModalities": ["IMAGE"]}),
        ("chat", "responses", "messages"),
        "generationConfig.responseModalities",
    ),
    (
        "gemini",
        gemini(generationConfig={"candidateCount": 2}),
        ("responses", "messages"),
        "generationConfig.candidateCount",
    ),
]
LISTED: list[tuple[str, dict[str, Any], tuple[str, ...], set[str]]] = [
    ("chat", HI | {"logprobs": True, "top_logprobs": 2}, ("responses", "messages"), {"logprobs", "top_logprobs"}),
    ("chat", HI | {"logit_bias": {"1": 2}}, ("responses", "messages", "gemini"), {"logit_bias"}),
    ("chat", HI | {"metadata": {"a": "b"}}, ("messages", "gemini"), {"metadata"}),
    ("messages", SAY | {"context_management": {"edits": []}}, ("chat", "responses", "gemini"), {"context_management"}),
    ("messages", SAY | {"top_k": 3}, ("chat", "responses"), {"top_k"}),
    ("gemini", gemini(labels={"a": "b"}), ("chat", "responses", "messages"), {"labels"}),
    (
        "gemini",
        gemini(generationConfig={"responseLogprobs": True, "logprobs": 2}),
        ("responses", "messages"),
        {"generationConfig.responseLogprobs", "generationConfig.logprobs"},
    ),
]
LEGACY: dict[str, Any] = {
    "messages": [
        {"role": "user", "content": "Weather?"},
        {"role": "assistant", "content": None, "function_call": {"name": "weather", "arguments": "{}"}},
        {"role": "function", "name": "weather", "content": "sunny"},
        {"role": "user", "content": "Again?"},
    ],
    "functions": [{"name": "weather", "parameters": {"type": "object", "properties": {}}}],
}


def crossed(table: list[Any]) -> list[Any]:
    return [(caller, body, provider, wanted) for caller, body, providers, wanted in table for provider in providers]


async def ask(ground: Ground, caller: str, provider: str, body: dict[str, Any]) -> Any:
    model = f"{provider}/{MODELS[provider]}"
    whole = body if caller == "gemini" else body | {"model": model}
    return await ground.ask(caller, CALLERS[caller].path(model, stream=False), whole)


@pytest.mark.parametrize(("caller", "body", "provider", "field"), crossed(REFUSED))
async def test_refused(ground: Ground, caller: str, body: dict[str, Any], provider: str, field: str) -> None:
    got = await ask(ground, caller, provider, body)
    assert got.status == 400, got.body
    assert field in CALLERS[caller].hear(got, stream=False).error
    assert not ground.provider.requests


@pytest.mark.parametrize(("caller", "body", "provider", "fields"), crossed(LISTED))
async def test_listed(ground: Ground, caller: str, body: dict[str, Any], provider: str, fields: set[str]) -> None:
    got = await ask(ground, caller, provider, body)
    assert got.status == 200, got.body
    assert fields <= set(got.dropped)


@pytest.mark.parametrize("provider", ["responses", "messages", "gemini"])
async def test_legacy_functions_are_answered_in_kind(ground: Ground, provider: str) -> None:
    ground.provider.next(Scene((Call("weather", '{"city": "Paris"}', "call_1"),), "tools"))
    got = await ask(ground, "chat", provider, LEGACY)
    (choice,) = got.json["choices"]
    assert choice["finish_reason"] == "function_call"
    assert choice["message"]["function_call"]["name"] == "weather"
    assert not choice["message"].get("tool_calls")


@pytest.mark.parametrize("provider", ["responses", "messages", "gemini"])
async def test_an_empty_question_is_one(ground: Ground, provider: str) -> None:
    got = await ask(ground, "chat", provider, {"messages": [{"role": "user", "content": ""}]})
    assert got.status == 200
    (seen,) = ground.provider.requests
    (turns,) = [seen.json[name] for name in ("messages", "contents", "input") if name in seen.json]
    assert len(turns) == 1
