"""DeepSeek. `/v1` is an alias of the root that OpenAI's clients expect; it is no version of the models.

Source: api-docs.deepseek.com (guides/thinking_mode, guides/anthropic_api, json_mode), read 2026-11-21. The output cap
is `max_tokens`, reasoning included. Reasoning is on unless told off; a turn with tool calls must come back with its
`reasoning_content`, else it is a 400. The Anthropic endpoint takes `x-api-key`, ignores budgets, and knows neither
images nor documents.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, messages
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com/v1",
    source="api-docs.deepseek.com, 2026-11-21",
    owned_by="deepseek",
    env_prefix="DEEPSEEK",
    endpoints={
        "chat": CHAT,
        "messages": messages("/anthropic/v1/messages", "/v1", "x-api-key"),
    },
    abilities=Abilities(
        output_cap="max_tokens",
        developer_role=False,
        seed="",
        stop_max=16,
        choices=False,
        parallel_flag=False,
        tool_strict=False,
        custom_tools=False,
        json_schema="object",
        image_input=False,
        document_input=False,
        audio_input=False,
        reasoning="thinking",
        efforts=("low", "high", "max"),
        echo_reasoning="demanded",
    ),
    rules=(
        Rule("*", {"reasoning": "budget", "logprobs": False, "json_schema": "none"}, dialect="messages"),
        Rule("*vision*|deepseek-flash*", {"image_input": True, "image_url": False}, dialect="chat"),
    ),
    price_book="deepseek",
)
