"""OpenAI itself. Responses comes first: its newest models take tools only there (see `rules_openai`)."""

from fastgw.providers.endpoint import CHAT, COMPACT, COMPLETIONS, RESPONSES
from fastgw.providers.rules_openai import ABILITIES, RULES
from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    source="platform.openai.com/docs/api-reference, 2026-11-21",
    owned_by="openai",
    env_prefix="OPENAI",
    endpoints={"responses": RESPONSES, "chat": CHAT, "completions": COMPLETIONS, "compact": COMPACT},
    regions={"eu": "https://eu.api.openai.com/v1", "us": "https://us.api.openai.com/v1"},
    abilities=ABILITIES,
    rules=RULES,
    price_book="openai",
)
