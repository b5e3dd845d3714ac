"""OpenRouter: many vendors behind one key; model names hold a slash of their own."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="openrouter",
    title="OpenRouter",
    base_url="https://openrouter.ai/api/v1",
    source="openrouter.ai/docs/api-reference/overview, 2026-11-21",
    owned_by="openrouter",
    env_prefix="OPENROUTER",
    price_book="openrouter",
)
