"""Moonshot AI (Kimi), the international platform; `region = "cn"` is the one of mainland China.

Sources: platform.kimi.ai/docs/api/overview, /guide/use-thinking-effort, /guide/use-kimi-vision-model, read 2026-11-21:
K3 always reasons with `reasoning_effort` low, high or max; K2.5 and K2.6 switch with `thinking`; sampling is fixed for
all `kimi-*`; images come as base64 only; a turn with tool calls must come back with its `reasoning_content`.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, RESPONSES, messages
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="moonshot",
    title="Moonshot AI",
    base_url="https://api.moonshot.ai/v1",
    regions={"cn": "https://api.moonshot.cn/v1"},
    source="platform.kimi.ai/docs/api/overview, 2026-11-21",
    owned_by="moonshot",
    env_prefix="MOONSHOT",
    endpoints={
        "chat": CHAT,
        "messages": messages("/anthropic/v1/messages", "/v1"),
        "responses": RESPONSES,
    },
    abilities=Abilities(
        developer_role=False,
        sampling=False,
        temperature_max=1.0,
        stop_max=5,
        choices=False,
        logprobs=False,
        parallel_flag=False,
        tool_strict=False,
        custom_tools=False,
        image_url=False,
        document_input=False,
        audio_input=False,
        video_input=True,
        efforts=("low", "high", "max"),
        reasoning_off=False,
        echo_reasoning="demanded",
        cache_key=True,
    ),
    rules=(
        Rule("kimi-k2*", {"reasoning": "none", "json_schema": "object"}),
        Rule("kimi-k2.5*|kimi-k2.6*", {"reasoning": "thinking", "efforts": (), "reasoning_off": True}),
        Rule(
            "moonshot-v1*",
            {"sampling": True, "choices": True, "reasoning": "none", "echo_reasoning": ""},
            speaks=("chat",),
        ),
        Rule("*", {"reasoning": "budget", "mid_system": False, "json_schema": "none"}, dialect="messages"),
    ),
    price_book="moonshotai",
)
