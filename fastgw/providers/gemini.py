"""Google Gemini, in its own dialect.

The OpenAI-compatible chat endpoint has a part of what the models can (ai.google.dev/gemini-api/docs/openai, read
2026-11-21); only `speaks = ["chat"]` of a provider leads there. A base URL that ends in `/openai` is understood too.
The list of models has a shape of its own, names begin with `models/` (ai.google.dev/api/models).
"""

import msgspec

from fastgw.providers.endpoint import GEMINI, Endpoint
from fastgw.providers.rules_gemini import ABILITIES, RULES
from fastgw.providers.vendor import Rule, Vendor

_CHAT = Endpoint("/openai/chat/completions", instead_of="/openai", credential="bearer")

VENDOR = Vendor(
    name="gemini",
    title="Google Gemini",
    base_url="https://generativelanguage.googleapis.com/v1beta",
    source="ai.google.dev/api/generate-content, 2026-11-21",
    owned_by="google",
    env_prefix="GEMINI",
    credential="x-goog-api-key",
    endpoints={"gemini": msgspec.structs.replace(GEMINI, instead_of="/openai"), "chat": _CHAT},
    abilities=ABILITIES,
    rules=(Rule("*", speaks=("gemini",)), *RULES),
    models_path="/models?pageSize=1000",
    price_book="google",
    model_prefix="models/",
)
