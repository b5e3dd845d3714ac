"""Google Gemini, through its OpenAI-compatible chat endpoint."""

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
