"""Google Gemini, through its OpenAI-compatible chat endpoint.

Its own list prefixes each name with `models/`, which the chat endpoint takes with or without
(ai.google.dev/api/compatibility, read 2026-11-21).
"""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="gemini",
    title="Google Gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta/openai",
    source="ai.google.dev/gemini-api/docs/openai, 2026-11-21",
    owned_by="google",
    env_prefix="GEMINI",
    price_book="google",
    model_prefix="models/",
)
