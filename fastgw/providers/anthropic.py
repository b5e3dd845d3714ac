"""Anthropic, through its OpenAI-compatible chat endpoint."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com/v1",
    source="docs.anthropic.com/en/api/openai-sdk, 2026-11-21",
    owned_by="anthropic",
    env_prefix="ANTHROPIC",
    price_book="anthropic",
    output_cap="max_tokens",
)
