"""OpenRouter: many vendors behind one key; model names hold a slash of their own.

It maps what each model cannot take by itself, also reasoning (`reasoning_effort`, `reasoning_details`) and cache
breakpoints (openrouter.ai/docs/use-cases/reasoning-tokens, …/features/prompt-caching, read 2026-11-21).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    regions={"eu": "https://eu.openrouter.ai/api/v1"},
    source="openrouter.ai/docs/api-reference/overview, 2026-11-21",
    owned_by="openrouter",
    env_prefix="OPENROUTER",
    endpoints={"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES, "completions": COMPLETIONS},
    abilities=Abilities(
        choices=False,
        custom_tools=False,
        video_input=True,
        web_search="options",
        efforts=("none", "minimal", "low", "medium", "high", "xhigh", "max"),
        echo_reasoning="kept",
        cache_control=True,
    ),
    rules=(
        Rule("*", speaks=("chat", "messages", "responses")),
        Rule("*", {"reasoning": "budget", "web_search": ""}, dialect="messages"),
        Rule("*claude-*", {"reasoning": "adaptive", "efforts": ("low", "medium", "high", "xhigh", "max")},
             dialect="messages"),
        Rule("*", {"web_search": ""}, dialect="responses"),
    ),
    price_book="openrouter",
)  # fmt: skip
