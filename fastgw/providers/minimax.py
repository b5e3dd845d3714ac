"""MiniMax, the international platform; `region = "cn"` is the one of mainland China.

Anthropic's dialect is the one that it recommends, and the only one that keeps reasoning apart for all its models: in
chat it stands as `<think>` in the content (platform.minimax.io/docs/api-reference/text-anthropic-api and
text-openai-api, read 2026-11-21). `max_tokens` is deprecated in chat in favour of `max_completion_tokens`.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, RESPONSES, messages
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="minimax",
    title="MiniMax",
    base_url="https://api.minimax.io/v1",
    regions={"cn": "https://api.minimaxi.com/v1"},
    source="platform.minimax.io/docs/api-reference/text-openai-api, 2026-11-21",
    owned_by="minimax",
    env_prefix="MINIMAX",
    endpoints={
        "messages": messages("/anthropic/v1/messages", "/v1"),
        "chat": CHAT,
        "responses": RESPONSES,
    },
    abilities=Abilities(
        developer_role=False,
        mid_system=False,
        temperature_max=1.0,
        stop_max=0,
        choices=False,
        logprobs=False,
        parallel_flag=False,
        tool_strict=False,
        custom_tools=False,
        json_schema="none",
        image_input=False,
        document_input=False,
        audio_input=False,
        reasoning="none",
        cache_control=True,
    ),
    rules=(
        Rule("*", {"think_tags": True, "mid_system": True, "cache_control": False, "stop_max": 4}, dialect="chat"),
        Rule("minimax-m3*", {"image_input": True}),
        Rule("minimax-m3.1*", {"think_tags": False, "echo_reasoning": "kept"}, dialect="chat"),
        Rule("minimax-m1*|minimax-01*|minimax-text*|m2-her*|abab*", speaks=("chat",)),
    ),
    price_book="minimax",
)
