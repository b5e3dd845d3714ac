"""xAI (Grok).

Which efforts a model knows is in xAI's list of models; the ones without a list refuse `reasoning_effort`. `stop`
and penalties are refused by reasoning models (docs.x.ai/docs/guides/reasoning, read 2026-11-21).
Its Anthropic endpoint is deprecated.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, RESPONSES
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="xai",
    title="xAI",
    base_url="https://api.x.ai/v1",
    source="docs.x.ai/docs/api-reference, 2026-11-21",
    owned_by="xai",
    env_prefix="XAI",
    endpoints={"responses": RESPONSES, "chat": CHAT},
    abilities=Abilities(
        stop_max=0,
        custom_tools=False,
        tool_images=True,
        document_url=True,
        audio_input=False,
        web_search="tool",
        efforts=("low", "medium", "high", "xhigh"),
        reasoning_off=False,
        cache_key=True,
        lacks=("frequency_penalty", "presence_penalty", "top_k"),
    ),
    rules=(
        Rule("*", {"choices": False, "logprobs": False}, dialect="responses"),
        Rule(
            "*", {"tool_images": False, "document_input": False, "web_search": "", "cache_key": False}, dialect="chat"
        ),
        Rule("grok-4.3*", {"efforts": ("none", "low", "medium", "high", "xhigh"), "reasoning_off": True}),
        Rule("grok-3-mini*", {"efforts": ("low", "high")}),
        Rule("grok-4|grok-4-*|grok-4.20*|grok-code*|grok-build*|grok-3|grok-3-fast*|grok-2*", {"reasoning": "none"}),
        Rule("grok-3|grok-3-fast*|grok-2*|*non-reasoning*", {"stop_max": 4, "lacks": ("top_k",)}),
    ),
    price_book="x-ai",
)
