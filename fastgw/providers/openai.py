"""OpenAI itself: the dialect that `chat` is named for."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="openai",
    title="OpenAI",
    base_url="https://api.openai.com/v1",
    source="platform.openai.com/docs/api-reference, 2026-11-21",
    owned_by="openai",
    env_prefix="OPENAI",
    price_book="openai",
)
