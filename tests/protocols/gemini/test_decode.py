"""A caller's request: what it may look like, and what is refused by name."""

import base64
from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.gemini.seals import carried
from fastgw.protocols.hub.conversation import Text, Thought, ToolCall, ToolResult
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.gemini.kit import USER, asked, fields_of


@pytest.mark.parametrize(
    "contents",
    [
        "hi",
        ["hi"],
        {"text": "hi"},
        [{"text": "hi"}],
        {"parts": [{"text": "hi"}]},
        {"role": "user", "parts": {"text": "hi"}},
        [{"role": "user", "parts": "hi"}],
        [{"role": "USER", "parts": [{"text": "hi"}]}],
        [{"role": None, "parts": [{"text": "hi"}]}],
    ],
)
def test_contents_may_be_said_in_many_ways(contents: Any) -> None:
    (turn,) = asked({"contents": contents}).turns
    assert (turn.role, turn.parts) == ("user", (Text("hi"),))


@pytest.mark.parametrize(
    "system", ["be", {"parts": [{"text": "be"}]}, {"text": "be"}, {"role": "user", "parts": [{"text": "be"}]}]
)
@pytest.mark.parametrize("name", ["systemInstruction", "system_instruction"])
def test_instructions_stand_before_the_history(name: str, system: Any) -> None:
    first, second = asked({name: system, "contents": USER}).turns
    assert (first.role, first.parts) == ("system", (Text("be"),))
    assert second.role == "user"


def test_the_stream_is_decided_by_the_path() -> None:
    fields = fields_of({"contents": USER})
    assert DIALECT.decode_request(fields, FromPath("m", stream=True), Losses()).stream
    assert not DIALECT.decode_request(fields, FromPath("m", stream=False), Losses()).stream


def test_both_spellings_may_be_mixed_and_names_of_the_caller_are_kept() -> None:
    call_part = {"function_call": {"name": "f", "args": {"mime_type": 1}}, "thought_signature": "AAAA"}
    result = {"functionResponse": {"name": "f", "response": {"file_uri": 2}}}
    declared = {"name": "f", "parameters_json_schema": {"properties": {"file_uri": {}}}}
    config = {
        "max_output_tokens": 5,
        "thinking_config": {"thinking_budget": 0},
        "response_mime_type": "application/json",
    }
    snake = {
        "contents": [
            {"role": "model", "parts": [call_part]},
            {"parts": [result, {"inline_data": {"mimeType": "image/png", "data": "aGk="}}]},
        ],
        "tools": [{"function_declarations": [declared]}],
        "tool_config": {"function_calling_config": {"mode": "any", "allowed_function_names": ["f"]}},
        "generation_config": config,
        "safety_settings": [],
        "cached_content": "c",
    }
    losses = Losses()
    conversation = asked(snake, losses)
    assert not losses
    call = conversation.turns[0].parts[0]
    assert isinstance(call, ToolCall)
    assert (call.arguments, call.sealed) == ('{"mime_type":1}', Sealed("gemini", "AAAA"))
    assert conversation.tools[0].schema == '{"properties":{"file_uri":{}}}'
    assert conversation.output_cap == 5
    assert conversation.thinking is not None
    assert conversation.thinking.mode == "off"
    assert conversation.format is not None
    assert conversation.tool_choice is not None
    assert conversation.tool_choice.name == "f"
    assert set(conversation.same) == {"safetySettings", "cachedContent"}


def test_a_request_inside_a_request_to_count_tokens() -> None:
    inner = {"model": "models/x", "contents": USER, "system_instruction": "be"}
    assert len(asked({"generateContentRequest": inner}).turns) == 2


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": [5]}, "contents[0]"),
        ({"contents": [{"role": "robot", "parts": []}]}, "contents[0].role"),
        ({"contents": [{"parts": [{"text": 5}]}]}, "contents[0].parts[0].text"),
        ({"contents": [{"parts": [{"inline_data": {"mime_type": 5}}]}]}, "contents[0].parts[0].inlineData.mimeType"),
        ({"contents": USER, "generationConfig": {"temperature": "hot"}}, "generationConfig.temperature"),
        ({"contents": USER, "generationConfig": []}, "generationConfig"),
        ({"contents": USER, "tools": 5}, "tools"),
        ({"contents": USER, "tools": [{"functionDeclarations": [5]}]}, "tools[0].functionDeclarations[0]"),
        (
            {"contents": USER, "toolConfig": {"functionCallingConfig": {"mode": "MAYBE"}}},
            "toolConfig.functionCallingConfig.mode",
        ),
    ],
)
def test_mistakes_are_named(body: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        asked(body)
    assert (caught.value.status, caught.value.param) == (400, param)


def test_reasoning_that_nobody_may_read_comes_back_as_such() -> None:
    seal = carried(Sealed("anthropic", "blob"), redacted=True)
    (turn,) = asked(
        {"contents": [{"role": "model", "parts": [{"text": "", "thought": True, "thoughtSignature": seal}]}]}
    ).turns
    assert turn.parts == (Thought("", Sealed("anthropic", "blob"), redacted=True),)


def test_another_familys_seal_survives_the_sdks_spelling_of_base64() -> None:
    sealed = Sealed("anthropic", "??>>~~ÿ" * 3)
    respelled = base64.urlsafe_b64encode(base64.b64decode(carried(sealed))).decode()
    (turn,) = asked(
        {"contents": [{"role": "model", "parts": [{"text": "x", "thought": True, "thoughtSignature": respelled}]}]}
    ).turns
    assert turn.parts == (Thought("x", sealed),)


def test_results_find_their_calls_by_name_and_order_where_nobody_gave_ids() -> None:
    def call(name: str, **more: str) -> Any:
        return {"functionCall": {"name": name, "args": {}, **more}}

    def result(name: str, **more: str) -> Any:
        return {"functionResponse": {"name": name, "response": {"output": "x"}, **more}}

    contents = [
        {"role": "model", "parts": [call("f"), call("g"), call("f"), call("h", id="own")]},
        {"role": "user", "parts": [result("g"), result("f"), result("h", id="own"), result("f"), result("z")]},
        {"role": "model", "parts": [call("f")]},
        {"role": "function", "parts": [result("f", id="other")]},
    ]
    turns = asked({"contents": contents}).turns
    calls = [part.id for turn in turns for part in turn.parts if isinstance(part, ToolCall)]
    answers = [part.call_id for turn in turns for part in turn.parts if isinstance(part, ToolResult)]
    assert len(set(calls)) == 5
    assert answers[:4] == [calls[1], calls[0], "own", calls[2]]
    assert answers[4] not in calls
    assert answers[5] == calls[4]


def test_store_is_a_wish_to_keep_or_a_ban() -> None:
    assert asked({"contents": USER, "store": False}).stateless
    kept = asked({"contents": USER, "store": True})
    assert not kept.stateless
    assert bytes(kept.same["store"]) == b"true"


def test_schemas_and_arguments_are_the_callers_own_text() -> None:
    raw = (
        b'{"contents":[{"role":"model","parts":[{"functionCall":{"name":"f","args":{"a" : 1.0e2}}}]}],'
        b'"tools":[{"functionDeclarations":[{"name":"f","parametersJsonSchema":{ "type":"object" , "x":1.50 }}]}]}'
    )
    conversation = DIALECT.decode_request(
        msgspec.json.decode(raw, type=dict[str, msgspec.Raw]), FromPath("m"), Losses()
    )
    call = conversation.turns[0].parts[0]
    assert isinstance(call, ToolCall)
    assert call.arguments == '{"a" : 1.0e2}'
    assert conversation.tools[0].schema == '{ "type":"object" , "x":1.50 }'


TWO_KINDS = {"functionCall": {"name": "f", "args": {"a": 1}}, "functionResponse": {"name": "f", "response": {}}}


@pytest.mark.parametrize(
    "parts",
    [
        [{"text": "a"}, {"text": ""}],
        [],
        [{}],
        [{"text": "a", "thought": True}, {"text": "b", "thoughtSignature": "AAAA"}],
        [{"functionCall": {"name": "f", "args": {"a": 1}}}, {"functionCall": {"id": "x", "name": "f"}}],
        [{"functionCall": {"name": "f"}, "thoughtSignature": "AAAA"}, {"thoughtSignature": "AAAA"}],
        [{"functionResponse": {"name": "f", "response": {"output": "x"}, "willContinue": True}}],
        [{"text": "a", "functionResponse": {"name": "f"}}],
        [TWO_KINDS],
    ],
)
@pytest.mark.parametrize("role", ["user", "model"])
def test_usual_parts_are_read_as_among_others(role: str, parts: list[Any]) -> None:
    def read(given: list[Any]) -> Any:
        losses = Losses()
        try:
            turns = asked({"contents": [*USER, {"role": role, "parts": given}]}, losses).turns
        except GatewayError as error:
            return error.message
        return turns, losses.paths

    # A field that is no usual one, but says nothing, takes the other way.
    among_others = [{**part, "videoMetadata": None} for part in parts]
    assert read(parts) == read(among_others)


def test_usual_settings_are_read_as_among_others() -> None:
    config = {"temperature": 0, "topK": 40.0, "maxOutputTokens": "5", "stopSequences": ["x"], "candidateCount": 2,
              "responseMimeType": "application/json", "thinkingConfig": {"thinkingBudget": 0}}  # fmt: skip
    among_others = config | {"speechConfig": None}
    read = [asked({"contents": USER, "generationConfig": each}) for each in (config, among_others)]
    assert read[0] == read[1]
    assert (read[0].sampling.top_k, read[0].output_cap) == (40, 5)
