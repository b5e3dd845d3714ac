"""Xiaomi MiMo. Subscriptions ("token plan") have a host of their own: set `MIMO_BASE_URL` for them.

Sources: platform.xiaomimimo.com/docs/en-US/api/chat/openai-api, /quick-start/first-api-call, read 2026-11-21: reasoning
is switched by `thinking`, JSON mode has no schema, `tool_choice` is only `auto`.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, messages
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="mimo",
    title="Xiaomi MiMo",
    base_url="https://api.xiaomimimo.com/v1",
    source="platform.xiaomimimo.com/docs/en-US/api/chat/openai-api, 2026-11-21",
    owned_by="xiaomi",
    env_prefix="MIMO",
    endpoints={"chat": CHAT, "messages": messages("/anthropic/v1/messages", "/v1")},
    abilities=Abilities(
        seed="",
        temperature_max=1.5,
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
        efforts=(),
        echo_reasoning="kept",
    ),
    rules=(
        Rule("*", {"reasoning": "budget", "mid_system": False, "json_schema": "none"}, dialect="messages"),
        Rule("mimo-*omni*|mimo-v2.5|mimo-v2.6", {"image_input": True}),
        Rule("mimo-*omni*|mimo-v2.5|mimo-v2.6", {"audio_input": True, "video_input": True}, dialect="chat"),
    ),
)
