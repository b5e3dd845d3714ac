"""Settings and tools of a caller."""

from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Format, Sampling, Thinking, ToolChoice
from tests.protocols.gemini.kit import USER, asked


def config(**said: Any) -> Any:
    return asked({"contents": USER, "generationConfig": said})


def choice(**said: Any) -> ToolChoice | None:
    return asked({"contents": USER, "toolConfig": {"functionCallingConfig": said}}).tool_choice


def test_numbers_are_taken_as_google_takes_them() -> None:
    made = config(temperature=0, topP=0, topK=40.0, maxOutputTokens="7", candidateCount=2, logprobs=0, seed=-1,
                  stopSequences=["a"], responseLogprobs=True, presencePenalty=0, frequencyPenalty=None)  # fmt: skip
    assert made.output_cap == 7
    assert made.sampling == Sampling(
        temperature=0, top_p=0, top_k=40, n=2, top_logprobs=0, seed=-1, stop=("a",), logprobs=True, presence_penalty=0
    )


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"thinkingBudget": 0}, Thinking("off", None, 0)),
        ({"thinkingBudget": -1, "includeThoughts": True}, Thinking("adaptive", None, -1, True)),
        ({"thinkingBudget": 100}, Thinking("on", None, 100)),
        ({"thinkingLevel": "HIGH"}, Thinking("", "high")),
        ({"thinkingLevel": "low", "includeThoughts": False}, Thinking("", "low", None, False)),
        ({"thinkingLevel": "THINKING_LEVEL_UNSPECIFIED"}, None),
        ({}, None),
    ],
)
def test_thinking(said: Any, expected: Thinking | None) -> None:
    assert config(thinkingConfig=said).thinking == expected


def test_the_form_of_the_answer() -> None:
    assert config(responseMimeType="application/json").format == Format("json_object")
    assert config(responseMimeType="text/plain").format == Format("text")
    assert config(responseJsonSchema={"type": "object"}).format == Format("json_schema", schema='{"type":"object"}')
    assert config(responseSchema={"type": "STRING"}).format == Format(
        "json_schema", schema='{"type":"string"}', dialect="gemini", raw='{"type":"STRING"}'
    )
    assert "generationConfig.responseMimeType" in config(responseMimeType="text/x.enum").same


def test_modalities_other_than_text_are_googles_alone() -> None:
    assert not config(responseModalities=["TEXT"]).same
    assert set(config(responseModalities=["text", "image"]).same) == {"generationConfig.responseModalities"}


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        ({"mode": "AUTO"}, ToolChoice("auto")),
        ({}, ToolChoice("auto")),
        ({"mode": "MODE_UNSPECIFIED"}, ToolChoice("auto")),
        ({"mode": "NONE"}, ToolChoice("none")),
        ({"mode": "ANY"}, ToolChoice("required")),
        ({"mode": "ANY", "allowedFunctionNames": ["f"]}, ToolChoice("named", "f")),
        ({"mode": "any", "allowedFunctionNames": ["f", "g"]}, ToolChoice("allowed", allowed=("f", "g"), required=True)),
        ({"mode": "VALIDATED"}, ToolChoice("auto")),
        ({"mode": "VALIDATED", "allowedFunctionNames": ["f"]}, ToolChoice("allowed", allowed=("f",))),
    ],
)
def test_calling(said: Any, expected: ToolChoice) -> None:
    assert choice(**said) == expected


def test_tools_of_every_kind() -> None:
    tools = asked({"contents": USER, "tools": [
        {"functionDeclarations": {"name": "f", "description": "d", "parameters": {"type": "OBJECT", "properties": {}}}},
        {"google_search": {}, "code_execution": {}, "urlContext": None},
    ]}).tools  # fmt: skip
    assert [(tool.kind, tool.name) for tool in tools] == [
        ("function", "f"), ("web_search", "googleSearch"), ("opaque", "codeExecution"),
    ]  # fmt: skip
    assert tools[0].schema == '{"type":"object","properties":{}}'
    assert tools[2].raw == '{"codeExecution":{}}'
    assert len(asked({"contents": USER, "tools": {"googleSearch": {}}}).tools) == 1
