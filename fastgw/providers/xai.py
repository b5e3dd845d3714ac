"""xAI (Grok)."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="xai",
    title="xAI",
    base_url="https://api.x.ai/v1",
    source="docs.x.ai/docs/api-reference, 2026-11-21",
    owned_by="xai",
    env_prefix="XAI",
    price_book="x-ai",
)
