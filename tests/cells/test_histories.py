"""Long histories with everything in them, as callers of each dialect send them: what each provider gets to see."""

import json
from typing import Any

import pytest

from tests.cells import golden
from tests.cells.asked import ASKED
from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import PNG
from tests.fakes import Scene
from tests.fakes.scene import Call

pytestmark = pytest.mark.asyncio(loop_scope="package")

OBJECT = {"type": "object", "properties": {"a": {"type": "integer"}}}
PICTURE = {"type": "image", "source": {"type": "base64", "media_type": "image/png", "data": PNG}}
RESPONSES: dict[str, Any] = {
    "store": False,
    "input": [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": [{"type": "input_text", "text": "Go."}]},
        {"type": "custom_tool_call", "call_id": "call_1", "name": "patch", "input": "*** Begin"},
        {"type": "custom_tool_call_output", "call_id": "call_1", "output": "done"},
        {"type": "function_call", "call_id": "call_2", "name": "f", "arguments": ""},
        {
            "type": "function_call_output",
            "call_id": "call_2",
            "output": [
                {"type": "input_text", "text": "seen"},
                {"type": "input_image", "image_url": f"data:image/png;base64,{PNG}", "detail": "auto"},
            ],
        },
        {"role": "user", "content": "Next."},
    ],
    "tools": [
        {"type": "custom", "name": "patch", "format": {"type": "grammar", "syntax": "lark", "definition": "start: X"}},
        {"type": "function", "name": "f", "parameters": OBJECT, "strict": False},
    ],
}
MESSAGES: dict[str, Any] = {
    "max_tokens": 100,
    "top_k": 3,
    "system": [
        {"type": "text", "text": "x-anthropic-billing-header: cc_version=1"},
        {"type": "text", "text": "Be kind.", "cache_control": {"type": "ephemeral"}},
    ],
    "messages": [
        {"role": "user", "content": "Go."},
        {
            "role": "assistant",
            "content": [
                {"type": "text", "text": "Both."},
                {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {}},
                {"type": "tool_use", "id": "toolu_2", "name": "g", "input": {"a": 1}},
            ],
        },
        {
            "role": "user",
            "content": [
                {
                    "type": "tool_result",
                    "tool_use_id": "toolu_1",
                    "content": [{"type": "text", "text": "seen"}, PICTURE],
                },
                {"type": "tool_result", "tool_use_id": "toolu_2", "is_error": True, "content": "bad"},
                {"type": "text", "text": "Next."},
            ],
        },
    ],
    "tools": [{"name": "f", "input_schema": OBJECT}, {"name": "g", "input_schema": OBJECT}],
    "tool_choice": {"type": "any"},
}
CHAT: dict[str, Any] = {
    "messages": [
        {"role": "developer", "content": "Be kind."},
        {"role": "user", "content": "Go."},
        {
            "role": "assistant",
            "content": "One.",
            "tool_calls": [
                {"id": "call:odd/1", "type": "function", "function": {"name": "f", "arguments": ""}},
                {"id": "call_2", "type": "function", "function": {"name": "g", "arguments": '{"a": 1}'}},
            ],
        },
        {"role": "tool", "tool_call_id": "call:odd/1", "content": [{"type": "text", "text": "seen"}]},
        {"role": "tool", "tool_call_id": "call_2", "content": "bad"},
        {"role": "user", "content": "Next."},
    ],
    "seed": 1,
    "tools": [
        {"type": "function", "function": {"name": "f", "parameters": OBJECT}},
        {"type": "function", "function": {"name": "g"}},
    ],
    "tool_choice": {"type": "function", "function": {"name": "f"}},
}
GEMINI: dict[str, Any] = {
    "system_instruction": {"parts": [{"text": "Be kind."}]},
    "contents": [
        {"parts": [{"text": "Go."}]},
        {
            "role": "model",
            "parts": [{"functionCall": {"name": "f"}}, {"functionCall": {"name": "f", "args": {"a": 1}}}],
        },
        {
            "role": "user",
            "parts": [
                {"functionResponse": {"name": "f", "response": {"output": "seen"}}},
                {"functionResponse": {"name": "f", "response": {"output": "bad"}}},
                {"text": "Next."},
            ],
        },
    ],
    "tools": [
        {
            "function_declarations": [
                {"name": "f", "parameters": {"type": "OBJECT", "properties": {"a": {"type": "INTEGER"}}}}
            ]
        }
    ],
    "toolConfig": {"functionCallingConfig": {"mode": "ANY"}},
    "safetySettings": [{"category": "HARM_CATEGORY_HATE_SPEECH", "threshold": "BLOCK_NONE"}],
}
HISTORIES = {"responses": RESPONSES, "messages": MESSAGES, "chat": CHAT, "gemini": GEMINI}
TUNING = {"responses": "tools[0].format", "messages": "top_k", "chat": "seed", "gemini": "safetySettings"}
"""What only tunes, and is dropped where a provider has no such thing."""
TAKES = {("messages", "gemini"), ("chat", "gemini"), ("responses", "chat")}
CROSSED = [(caller, provider) for caller in CALLERS for provider in CALLERS if caller != provider]


@pytest.mark.parametrize(("caller", "provider"), CROSSED)
async def test_history(ground: Ground, caller: str, provider: str) -> None:
    model = f"{provider}/{MODELS[provider]}"
    body = HISTORIES[caller] | ({} if caller == "gemini" else {"model": model})
    got = await ground.ask(caller, CALLERS[caller].path(model, stream=False), body)
    assert got.status == 200, got.body
    (seen,) = ground.provider.requests
    if (caller, provider) not in TAKES:
        assert TUNING[caller] in got.dropped
    asked = ASKED[provider].read(seen.json)
    assert asked.system == "Be kind."
    assert b"x-anthropic-billing-header" not in seen.body
    assert "Go." in asked.text
    assert "Next." in asked.text
    assert [text.removeprefix("Error: ") for _, text in asked.results] == [
        "done" if caller == "responses" else "seen",
        "seen"
        if caller == "responses"
        else '{"error": "bad"}'
        if (caller, provider) == ("messages", "gemini")
        else "bad",
    ]
    assert [one[0] for one in asked.results] == [one[0] for one in asked.calls]
    assert len({one[0] for one in asked.calls}) == 2
    if caller in {"responses", "messages"}:
        assert PNG.encode() in seen.body
    assert asked.calls[-1][2] == ({} if caller == "responses" else {"a": 1})
    golden.check(f"{caller}-{provider}", "history", {"unary": golden.exchange([seen], got)})


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("provider", ["messages", "gemini"])
async def test_a_custom_tool_without_a_twin(ground: Ground, provider: str, stream: bool) -> None:
    """It goes out as a function with one text, and comes back as what it was."""
    ground.provider.next(Scene((Call("patch", json.dumps({"input": "*** Begin\nEnd"}), "call_9"),), "tools"))
    body = RESPONSES | {"model": f"{provider}/{MODELS[provider]}", "stream": stream}
    got = await ground.ask("responses", "/v1/responses", body)
    CALLERS["responses"].hear(got, stream=stream)
    whole = json.loads(got.body.decode().rstrip().rpartition("data: ")[2])["response"] if stream else got.json
    (item,) = [item for item in whole["output"] if item["type"] != "reasoning"]
    assert (item["type"], item["name"], item["input"]) == ("custom_tool_call", "patch", "*** Begin\nEnd")
