"""Anthropic, in its own dialect.

Its OpenAI-compatible chat endpoint is there for comparisons, "not a long-term or production-ready solution" (no prompt
caching, no reasoning shown: platform.claude.com/docs/en/api/openai-sdk, read 2026-11-21); only `speaks = ["chat"]` of a
provider leads there. The list of models has OpenAI's `data[].id` (docs.anthropic.com/en/api/models-list).
"""

import msgspec

from fastgw.providers.endpoint import CHAT, MESSAGES
from fastgw.providers.rules_claude import ABILITIES, FAMILY, RULES
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com/v1",
    source="platform.claude.com/docs/en/api/messages, 2026-11-21",
    owned_by="anthropic",
    env_prefix="ANTHROPIC",
    credential="x-api-key",
    headers={"anthropic-version": "2023-06-01"},
    endpoints={"messages": MESSAGES, "chat": msgspec.structs.replace(CHAT, credential="bearer")},
    family=FAMILY,
    abilities=ABILITIES,
    rules=(Rule("*", speaks=("messages",)), *RULES),
    models_path="/models?limit=1000",
    price_book="anthropic",
)
