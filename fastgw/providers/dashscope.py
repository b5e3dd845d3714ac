"""Alibaba Cloud DashScope (Qwen and others), through its OpenAI-compatible mode; Qwen also in Anthropic's dialect.

Keys belong to a region; `region` chooses its host (workspaces have hosts of their own: set `base_url`). A stream
carries usage only when `stream_options` asks for it; reasoning is switched by `enable_thinking` and capped by
`thinking_budget`. `max_tokens` caps the answer alone at some models, `max_completion_tokens` reasoning too at all of
them (alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope, …/deep-thinking,
…/anthropic-api-messages, …/api-compatibility-upgrade-notice, read 2026-11-21).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, messages
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="dashscope",
    title="Alibaba DashScope",
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
    regions={
        "intl": "https://dashscope-intl.aliyuncs.com/compatible-mode/v1",
        "us": "https://dashscope-us.aliyuncs.com/compatible-mode/v1",
    },
    source="alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope, 2026-11-21",
    owned_by="qwen",
    env_prefix="DASHSCOPE",
    endpoints={
        "chat": CHAT,
        "messages": messages("/apps/anthropic/v1/messages", "/compatible-mode/v1"),
    },
    abilities=Abilities(
        developer_role=False,
        choices=False,
        tool_strict=False,
        custom_tools=False,
        json_schema="object",
        document_input=False,
        video_input=True,
        reasoning="enable_thinking",
        efforts=(),
        echo_reasoning="kept",
    ),
    rules=(
        Rule(
            "*",
            {"reasoning": "budget", "mid_system": False, "logprobs": False, "json_schema": "none",
             "audio_input": False, "video_input": False},
            dialect="messages",
        ),
        Rule("deepseek*|kimi*|glm*|minimax*|*/*", speaks=("chat",)),
        Rule("qwen*-instruct*|qwen2*|qwen-coder*|qwen3-coder*", {"reasoning": "none"}),
    ),
)  # fmt: skip
