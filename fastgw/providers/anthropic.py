"""Anthropic, through its OpenAI-compatible chat endpoint.

That endpoint takes the key as a bearer token and knows `max_tokens`, `max_completion_tokens` and `stream_options`; `n`
must be 1 (platform.claude.com/docs/en/api/openai-sdk, read 2026-11-21). The list of models is the native one, which
wants `x-api-key` and `anthropic-version` and has OpenAI's `data[].id` (docs.anthropic.com/en/api/models-list).
"""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="anthropic",
    title="Anthropic",
    base_url="https://api.anthropic.com/v1",
    source="platform.claude.com/docs/en/api/openai-sdk, 2026-11-21",
    owned_by="anthropic",
    env_prefix="ANTHROPIC",
    headers={"anthropic-version": "2023-06-01"},
    models_path="/models?limit=1000",
    models_credential="x-api-key",
    price_book="anthropic",
)
