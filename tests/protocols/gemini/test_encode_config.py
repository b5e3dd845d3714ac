"""Settings and tools as Gemini wants them, each row of what must be right."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Conversation, Format, Sampling, Text, Thinking, Tool, ToolChoice, Turn
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from tests.protocols.gemini.kit import TARGET, able, sent, valid_request

SCHEMA = '{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false,"$schema":"x"}'
F, G = Tool("function", "f", "does", SCHEMA), Tool("function", "g")
SEARCH = Tool("web_search", "web_search", dialect="responses")


def made(target: Target = TARGET, losses: Losses | None = None, **more: Any) -> Any:
    body = sent(Conversation(origin="chat", turns=(Turn("user", (Text("hi"),)),), **more), target, losses)
    valid_request(body)
    return body


def config(target: Target = TARGET, losses: Losses | None = None, **more: Any) -> Any:
    return made(target, losses, **more).get("generationConfig", {})


def test_nothing_said_is_nothing_sent() -> None:
    assert made() == {"contents": [{"role": "user", "parts": [{"text": "hi"}]}]}


def test_sampling_zero_is_a_value() -> None:
    said = Sampling(temperature=0, top_p=0, top_k=0, seed=0, frequency_penalty=0, presence_penalty=0, n=2, stop=("a",))
    assert config(sampling=said, output_cap=5) == {
        "temperature": 0, "topP": 0, "topK": 0, "seed": 0, "frequencyPenalty": 0, "presencePenalty": 0,
        "candidateCount": 2, "stopSequences": ["a"], "maxOutputTokens": 5,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("abilities", "said", "left", "lost"),
    [
        ({"stop_max": 1}, {"sampling": Sampling(stop=("a", "b"))}, {"stopSequences": ["a"]}, ("stop",)),
        ({"sampling": False}, {"sampling": Sampling(temperature=1, seed=2)}, {}, ("temperature", "seed")),
        ({}, {"sampling": Sampling(temperature=3)}, {"temperature": 2.0}, ("temperature",)),
        (
            {"temperature_and_top_p": False},
            {"sampling": Sampling(temperature=1, top_p=0.5)},
            {"temperature": 1},
            ("top_p",),
        ),
        ({}, {"sampling": Sampling(logit_bias="{}")}, {}, ("logit_bias",)),
        ({}, {"sampling": Sampling(logprobs=True, top_logprobs=0)}, {"responseLogprobs": True}, ()),
        (
            {},
            {"sampling": Sampling(logprobs=True, top_logprobs=99)},
            {"responseLogprobs": True, "logprobs": 20},
            ("top_logprobs",),
        ),
        ({"logprobs": False}, {"sampling": Sampling(logprobs=True, top_logprobs=2)}, {}, ("logprobs", "top_logprobs")),
        ({}, {"output_cap": 0}, {}, ("max_completion_tokens",)),
        ({"output_max": 10}, {"output_cap": 11}, {"maxOutputTokens": 10}, ("max_completion_tokens",)),
        ({}, {"verbosity": "low", "user": "u", "cache_key": "k"}, {}, ("verbosity", "user", "prompt_cache_key")),
        ({}, {"same": {"logit": msgspec.Raw(b"1")}}, {}, ("logit",)),
        ({}, {"service_tier": "scale"}, {}, ("service_tier",)),
        ({}, {"service_tier": "auto"}, {}, ()),
    ],
)
def test_what_a_lane_cannot_take_is_a_named_loss(abilities: Any, said: Any, left: Any, lost: tuple[str, ...]) -> None:
    losses = Losses()
    assert config(able(**abilities), losses, **said) == left
    assert losses.paths == lost


def test_what_would_change_the_meaning_is_refused() -> None:
    for target, said in (
        (able(choices=False), {"sampling": Sampling(n=2)}),
        (able(tools=False), {"tools": (F,)}),
        (TARGET, {"same": {"previous_response_id": msgspec.Raw(b'"x"')}}),
    ):
        with pytest.raises(GatewayError):
            made(target, **said)


@pytest.mark.parametrize(
    ("reasoning", "said", "expected"),
    [
        ("level", Thinking(effort="medium"), {"includeThoughts": True, "thinkingLevel": "MEDIUM"}),
        ("level", Thinking("on", None, 9_000), {"includeThoughts": True, "thinkingLevel": "HIGH"}),
        ("level", Thinking("adaptive", None, -1, False), {"includeThoughts": False}),
        ("level", Thinking("on", "max"), {"includeThoughts": True, "thinkingLevel": "XHIGH"}),
        ("level", Thinking("off"), {"thinkingBudget": 0}),
        ("budget", Thinking(effort="high"), {"includeThoughts": True, "thinkingBudget": 24_576}),
        ("budget", Thinking(effort="none"), {"thinkingBudget": 0}),
        ("budget", Thinking("on", "low", 2_000), {"includeThoughts": True, "thinkingBudget": 2_000}),
        ("budget", Thinking("on", None, 5), {"includeThoughts": True, "thinkingBudget": 1_024}),
        ("budget", Thinking("adaptive"), {"includeThoughts": True, "thinkingBudget": -1}),
        ("none", Thinking(effort="high"), None),
        ("none", Thinking("off"), None),
    ],
)
def test_thinking(reasoning: str, said: Thinking, expected: Any) -> None:
    assert config(able(reasoning=reasoning), thinking=said).get("thinkingConfig") == expected


def test_a_budget_stays_below_the_cap_and_within_the_lane() -> None:
    target = able(reasoning="budget", budget_min=128, budget_max=8_000)
    for cap, budget in ((None, 8_000), (4_096, 3_072), (1_000, 128)):
        said = config(target, thinking=Thinking(effort="high"), output_cap=cap)
        assert said["thinkingConfig"]["thinkingBudget"] == budget


def test_thinking_that_cannot_be_switched_off_is_as_little_as_can_be() -> None:
    losses = Losses()
    assert config(able(reasoning="level", reasoning_off=False), losses, thinking=Thinking("off"))["thinkingConfig"] == {
        "thinkingLevel": "MINIMAL"
    }
    assert losses.paths == ("reasoning_effort",)
    said = config(able(reasoning="budget", reasoning_off=False, budget_min=128), thinking=Thinking("off"))
    assert said["thinkingConfig"] == {"thinkingBudget": 128}


def test_the_form_of_the_answer() -> None:
    json = {"responseMimeType": "application/json"}
    schema = Format("json_schema", "n", SCHEMA, strict=True)
    assert config(format=Format("text")) == {"responseMimeType": "text/plain"}
    assert config(format=Format("json_object")) == json
    assert config(format=schema)["responseSchema"] == {
        "type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "additionalProperties": False,
    }  # fmt: skip
    assert config(able(schema_json=True), format=schema) == json | {"responseJsonSchema": msgspec.json.decode(SCHEMA)}
    losses = Losses()
    assert "one valid JSON object" in str(made(able(json_schema="none"), losses, format=Format("json_object")))
    assert losses.paths == ("response_format",)
    losses = Losses()
    hinted = made(able(json_schema="object"), losses, format=schema)
    assert hinted["generationConfig"] == json
    assert SCHEMA in hinted["systemInstruction"]["parts"][0]["text"]
    assert losses.paths == ("response_format",)
    assert "generationConfig" not in made(able(json_schema="none"), format=schema)


def test_functions() -> None:
    losses = Losses()
    (tool,) = made(losses=losses, tools=(F, G, Tool("function", "h", schema='{"type":"object","properties":{}}')))[
        "tools"
    ]
    f, g, h = tool["functionDeclarations"]
    assert f["parameters"] == {"type": "OBJECT", "properties": {"a": {"type": "STRING"}}, "additionalProperties": False}
    assert g == {"name": "g"}
    assert h == {"name": "h"}
    assert not losses
    (tool,) = made(able(schema_json=True), tools=(F,))["tools"]
    assert tool["functionDeclarations"][0]["parametersJsonSchema"] == msgspec.json.decode(SCHEMA)


def test_custom_and_strict_tools() -> None:
    losses = Losses()
    tools = (Tool("custom", "patch", grammar='{"type":"grammar"}'), Tool("function", "f", strict=True))
    (tool,) = made(losses=losses, tools=tools)["tools"]
    assert tool["functionDeclarations"][0]["parameters"]["required"] == ["input"]
    assert losses.paths == ("tools[0].format", "tools[1].strict")


def test_a_schema_that_cannot_be_read_is_refused_by_its_place() -> None:
    odd = '{"type":"object","properties":{"a":{"maximum":1e999}}}'
    for more, path in (
        ({"tools": (Tool("function", "f", schema=odd),)}, "tools[0].parameters"),
        ({"format": Format("json_schema", "n", odd)}, "response_format"),
    ):
        with pytest.raises(GatewayError) as caught:
            made(**more)
        assert (caught.value.param, caught.value.status) == (path, 400)


def test_search_on_the_web_and_tools_of_others() -> None:
    losses = Losses()
    raw = '{"type":"web_search","search_context_size":"low"}'
    search = msgspec.structs.replace(SEARCH, raw=raw)
    assert made(able(web_search="tool"), losses, tools=(search,))["tools"] == [{"googleSearch": {}}]
    assert losses.paths == ("tools[0].search_context_size",)
    losses = Losses()
    body = made(losses=losses, tools=(SEARCH, Tool("opaque", "computer", dialect="messages", raw="{}")),
                tool_choice=ToolChoice("named", "computer"))  # fmt: skip
    assert body.keys() == {"contents"}
    assert losses.paths == ("tools[0]", "tools[1]")


@pytest.mark.parametrize(
    ("choice", "expected"),
    [
        (ToolChoice("auto"), {"mode": "AUTO"}),
        (ToolChoice("none"), {"mode": "NONE"}),
        (ToolChoice("required"), {"mode": "ANY"}),
        (ToolChoice("named", "f"), {"mode": "ANY", "allowedFunctionNames": ["f"]}),
        (
            ToolChoice("allowed", allowed=("g", "f"), required=True),
            {"mode": "ANY", "allowedFunctionNames": ["g", "f"]},
        ),
    ],
)
def test_the_choice_of_tools(choice: ToolChoice, expected: Any) -> None:
    assert made(tools=(F, G), tool_choice=choice)["toolConfig"] == {"functionCallingConfig": expected}
    assert "toolConfig" not in made(tool_choice=choice)


def test_tools_that_may_be_called_are_the_only_ones_sent() -> None:
    body = made(tools=(F, G), tool_choice=ToolChoice("allowed", allowed=("g",)))
    assert [each["name"] for each in body["tools"][0]["functionDeclarations"]] == ["g"]
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}


def test_calls_that_cannot_be_forced_or_kept_apart_are_losses() -> None:
    losses = Losses()
    body = made(able(forced_calls=False), losses, tools=(F,), tool_choice=ToolChoice("required"), parallel_calls=False)
    assert body["toolConfig"] == {"functionCallingConfig": {"mode": "AUTO"}}
    assert losses.paths == ("parallel_tool_calls", "tool_choice")
