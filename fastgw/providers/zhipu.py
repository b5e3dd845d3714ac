"""Zhipu AI (GLM), the platform of mainland China; `region = "intl"` is Z.ai.

Sources: docs.bigmodel.cn/cn/guide/develop/openai/introduction and /api-reference, docs.z.ai/guides, read 2026-11-21:
the output cap is `max_tokens`, one stop word, `tool_choice` only `auto`, temperature up to 1, JSON mode without
a schema; from GLM 5.2 on `reasoning_effort` beside `thinking`, from 5.3 on reasoning cannot be switched off.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, messages
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="zhipu",
    title="Zhipu AI",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    regions={"intl": "https://api.z.ai/api/paas/v4"},
    source="docs.bigmodel.cn/cn/guide/develop/openai/introduction, 2026-11-21",
    owned_by="zhipu",
    env_prefix="ZHIPU",
    endpoints={"chat": CHAT, "messages": messages("/anthropic/v1/messages", "/paas/v4")},
    abilities=Abilities(
        output_cap="max_tokens",
        names=False,
        developer_role=False,
        seed="",
        temperature_max=1.0,
        stop_max=1,
        choices=False,
        logprobs=False,
        parallel_flag=False,
        forced_calls=False,
        tool_strict=False,
        custom_tools=False,
        json_schema="object",
        image_input=False,
        document_input=False,
        audio_input=False,
        reasoning="thinking",
        efforts=("low", "high", "max"),
        reasoning_off=False,
        echo_reasoning="kept",
    ),
    rules=(
        Rule("*", {"reasoning": "budget", "json_schema": "none", "mid_system": False}, dialect="messages"),
        Rule("glm-4*|glm-5|glm-5-*|glm-5.1*|glm-5.2*", {"reasoning_off": True}),
        Rule("glm-4*|glm-5|glm-5-*|glm-5.1*", {"efforts": ()}),
        Rule("glm-4|glm-4-*", {"reasoning": "none"}, speaks=("chat",)),
        Rule("glm-*v|glm-*v-*", {"image_input": True, "video_input": True}),
    ),
    price_book="zhipuai",
)
