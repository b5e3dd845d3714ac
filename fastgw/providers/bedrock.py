"""Amazon Bedrock, through Converse.

A secret is `ID:SECRET[:TOKEN]` of AWS, with which each request is signed, or a Bedrock API key, which is sent as a
bearer token (docs.aws.amazon.com/bedrock/latest/userguide/api-keys-use.html, read 2026-11-21). Models are named by id,
inference profile (`eu.anthropic.claude-…`) or ARN.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers import rules_claude
from fastgw.providers.endpoint import CONVERSE
from fastgw.providers.vendor import Rule, Vendor

_PLAIN = Abilities(
    mid_system=False,
    temperature_max=1.0,
    choices=False,
    logprobs=False,
    parallel_flag=False,
    tool_strict=False,
    tool_images=True,
    custom_tools=False,
    image_url=False,
    audio_input=False,
    video_input=True,
    reasoning="none",
    json_schema="none",
    web_search="",
)
_CLAUDE = {
    name: getattr(rules_claude.ABILITIES, name)
    for name in ("sampling", "temperature_and_top_p", "forced_calls", "reasoning", "efforts", "reasoning_off")
} | {"cache_control": True, "video_input": False, "json_schema": "native", "tool_strict": True}

VENDOR = Vendor(
    name="bedrock",
    title="Amazon Bedrock",
    base_url="https://bedrock-runtime.{region}.amazonaws.com",
    source="docs.aws.amazon.com/bedrock/latest/APIReference/API_runtime_Converse.html, 2026-11-21",
    owned_by="aws",
    env_prefix="BEDROCK",
    signer="sigv4",
    endpoints={"converse": CONVERSE},
    abilities=_PLAIN,
    rules=(
        Rule("*claude*", _CLAUDE, family=rules_claude.FAMILY),
        *rules_claude.RULES,
        Rule("*", {"mid_system": False}),
        Rule("*openai.gpt-*", {"reasoning": "effort", "efforts": ("low", "medium", "high"), "reasoning_off": False}),
        Rule("*amazon.nova*", {"cache_control": True}),
        Rule("*openai.gpt-oss*|*qwen.*|*deepseek.*|*moonshot*|*zai.*|*minimax.*|*mistral.*", {"json_schema": "native"}),
    ),
    models_path="",
)
