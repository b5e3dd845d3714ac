"""One rich question as each vendor gets it, in each dialect in which it is asked: URL, headers and body.

`FASTGW_GOLDEN=write` writes tests/golden/vendors/ anew; the differences are then read by a person.
"""

import json
import os
from pathlib import Path
from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import (
    Conversation,
    Format,
    Image,
    Sampling,
    Source,
    Text,
    Thinking,
    Thought,
    Tool,
    ToolCall,
    ToolChoice,
    ToolResult,
    Turn,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.target import Target
from fastgw.protocols.registry import PROVIDERS
from fastgw.providers import VENDORS
from fastgw.providers.vendor import split_url
from fastgw.settings import load
from tests.protocols.converse.shapes import assert_shape

FOLDER = Path(__file__).resolve().parents[1] / "golden" / "vendors"
MODELS = {
    "openai": "gpt-6.1-sol gpt-4o",
    "anthropic": "claude-opus-5-5 claude-haiku-4-5",
    "gemini": "gemini-3.8-flash gemini-2.5-pro",
    "vertex": "gemini-3.8-flash claude-sonnet-4-5@20250929",
    "azure": "gpt-5.1",
    "azure_deployments": "gpt-4o",
    "bedrock": "eu.anthropic.claude-opus-4-5-20251101-v1:0 openai.gpt-oss-120b-1:0",
    "deepseek": "deepseek-v4-pro",
    "xai": "grok-4.7",
    "dashscope": "qwen3.7-max",
    "zhipu": "glm-5.3",
    "minimax": "MiniMax-M3",
    "moonshot": "kimi-k3 kimi-k2.6",
    "mimo": "mimo-v2.5-pro",
    "ark": "doubao-seed-2-0-pro",
    "mistral": "mistral-medium-latest",
    "groq": "openai/gpt-oss-120b",
    "openrouter": "anthropic/claude-opus-4.6",
    "together": "zai-org/GLM-5.3",
    "vllm": "Qwen/Qwen3-8B",
    "ollama": "gpt-oss:20b",
    "openai_compatible": "llama-3.3-70b",
}
"""Models of each vendor, a newer and maybe an older one."""
PLACES = {
    "VERTEX_PROJECT": "p-1",
    "AZURE_OPENAI_RESOURCE": "res",
    "BEDROCK_REGION": "eu-west-1",
}
ALSO = {
    "azure_deployments": 'resource = "res"\napi_version = "2024-10-21"\n',
    "openai_compatible": 'base_url = "http://h/v1"\n',
}
TRANSLATED = ("chat", "responses", "messages", "gemini", "converse")
PARAMETERS = '{"type":"object","properties":{"city":{"type":"string"}}}'
PNG = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="


def question(target: Target) -> Conversation:
    """A second turn with tools and reasoning, with nothing that the lane would refuse."""
    abilities = target.abilities
    shown = (Image(Source("image/png", data=PNG), "high"),) if abilities.image_input else ()
    thought = Thought("It asks for the weather.", Sealed(target.family, "c2VhbA=="))
    call = ToolCall("call_1", "weather", '{"city": "Oslo", "at": 1.0}')
    return Conversation(
        origin="chat",
        turns=(
            Turn("developer", (Text("Be brief."),), plain=True),
            Turn("user", (Text("What is the weather there?"), *shown), name="ann"),
            Turn("assistant", (thought, Text("I will look."), call)),
            Turn("tool", (ToolResult("call_1", (Text("4 °C, rain"),), is_error=False),)),
            Turn("user", (Text("And the time?"),), plain=True),
        ),
        stream=True,
        tools=(
            Tool("function", "weather", "Tells the weather.", PARAMETERS, True),
            Tool("function", "time", "Tells the time."),
        ),
        tool_choice=ToolChoice("required"),
        parallel_calls=False,
        output_cap=20_000,
        sampling=Sampling(temperature=0.5, top_p=0.9, top_k=40, seed=7, frequency_penalty=0.1, stop=("END", "STOP")),
        thinking=Thinking(effort="high"),
        format=Format("json_schema", "answer", '{"type":"object","properties":{"t":{"type":"string"}}}', True),
        user="user-1",
        cache_key="key-1",
    )  # fmt: skip


def sent(name: str, folder: Path) -> dict[str, Any]:
    """What is sent, by model and dialect."""
    vendor = VENDORS[name]
    if vendor.env_prefix:
        settings = load({f"{vendor.env_prefix}_API_KEY": "key-0", **PLACES}, None, VENDORS)
    else:
        file = folder / "fastgw.toml"
        file.write_text(f'[[providers]]\nname = "{name}"\nsecret = "key-0"\n{ALSO.get(name, "")}')
        settings = load({}, file, VENDORS)
    (provider,) = settings.providers
    origin, base_path = split_url(provider.base_url)
    made: dict[str, Any] = {}
    for model in MODELS[name].split():
        for dialect, endpoint in vendor.spoken(model, provider.speaks).items():
            if dialect not in TRANSLATED:
                continue
            target = vendor.target(model, dialect, provider.abilities)
            losses = Losses()
            body = json.loads(PROVIDERS[dialect].encode_request(question(target), target, losses))
            headers = vendor.request_headers("key-0", dialect)
            made[f"{model} {dialect}"] = {
                "url": origin + endpoint.paths(base_path, model, provider.api_version)[1].decode(),
                "headers": {key.decode(): value.decode() for key, value in headers},
                "body": body,
                "lost": list(losses.paths),
            }
    return made


@pytest.mark.parametrize("name", MODELS)
def test_what_each_vendor_is_sent(name: str, tmp_path: Path) -> None:
    text = json.dumps(sent(name, tmp_path), indent=1, ensure_ascii=False) + "\n"
    path = FOLDER / f"{name}.json"
    if os.environ.get("FASTGW_GOLDEN") == "write":
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    assert path.exists(), f"{path} is missing; FASTGW_GOLDEN=write makes it"
    assert text == path.read_text("utf-8")


def test_every_vendor_that_answers_has_a_golden_request() -> None:
    answering = {name for name, vendor in VENDORS.items() if vendor.endpoints} - {"sandbox"}
    assert set(MODELS) == answering
    assert {path.stem for path in FOLDER.glob("*.json")} == answering


def test_bedrock_is_sent_what_aws_describes(tmp_path: Path) -> None:
    for one in sent("bedrock", tmp_path).values():
        assert_shape(one["body"] | {"modelId": "m"}, "ConverseRequest")


def test_claude_on_vertex_is_named_by_the_path_alone(tmp_path: Path) -> None:
    one = sent("vertex", tmp_path)["claude-sonnet-4-5@20250929 messages"]
    assert one["url"].endswith("/publishers/anthropic/models/claude-sonnet-4-5%4020250929:streamRawPredict")
    assert "model" not in one["body"]
    assert one["body"]["anthropic_version"] == "vertex-2023-10-16"
    assert "anthropic-version" not in one["headers"]


@pytest.mark.parametrize("name", MODELS)
def test_no_vendor_is_sent_what_it_refuses(name: str, tmp_path: Path) -> None:
    for lane, one in sent(name, tmp_path).items():
        model, dialect = lane.split()
        abilities = VENDORS[name].target(model, dialect).abilities
        body = one["body"]
        text = json.dumps(body)
        assert abilities.image_input or "iVBORw0" not in text
        if not abilities.sampling:
            assert not {"temperature", "top_p", "top_k", "seed", "topP", "topK"} & set(body)
        if dialect == "chat":
            assert not set(abilities.lacks) & set(body)
            assert abilities.output_cap in body
            assert abilities.names or '"name": "ann"' not in text
            assert abilities.developer_role or '"developer"' not in text
            assert abilities.seed in body or not (abilities.seed and abilities.sampling)
            assert "seed" not in body or abilities.seed == "seed"
            assert abilities.stream_usage or "stream_options" not in body
            assert abilities.forced_calls or body.get("tool_choice") in (None, "auto")
            assert len(body.get("stop", [])) <= abilities.stop_max


def test_a_picture_for_a_model_that_sees_none_is_refused() -> None:
    target = VENDORS["deepseek"].target("deepseek-v4-pro", "chat")
    seeing = VENDORS["openai"].target("gpt-4o", "chat")
    with pytest.raises(GatewayError):
        PROVIDERS["chat"].encode_request(question(seeing), target, Losses())
