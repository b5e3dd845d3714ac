"""Google Vertex AI: Gemini, and Claude as a partner's model.

A secret is the JSON of a service account (exchanged for tokens of an hour), or an API key. Claude is asked with
`rawPredict`: the path names the model, the body the version (docs.cloud.google.com/vertex-ai, "Use Claude models", read
2026-11-21). Seals of Gemini models are not known to be good at the Gemini API, so they are a family of their own.
"""

import msgspec

from fastgw.providers import rules_claude, rules_gemini
from fastgw.providers.endpoint import Endpoint
from fastgw.providers.vendor import Rule, Vendor

_GEMINI = Endpoint(
    "/publishers/google/models/{model}:generateContent",
    "/publishers/google/models/{model}:streamGenerateContent?alt=sse",
    "/publishers/google/models/{model}:countTokens",
)
_MESSAGES = Endpoint(
    "/publishers/anthropic/models/{model}:rawPredict",
    "/publishers/anthropic/models/{model}:streamRawPredict",
)
_CLAUDE = msgspec.structs.asdict(rules_claude.ABILITIES) | {
    "version": "",
    "model_in_body": False,
    "extra": {"anthropic_version": msgspec.Raw(b'"vertex-2023-10-16"')},
}

VENDOR = Vendor(
    name="vertex",
    title="Google Vertex AI",
    base_url="https://{region}-aiplatform.googleapis.com/v1/projects/{project}/locations/{region}",
    regions={"global": "https://aiplatform.googleapis.com/v1/projects/{project}/locations/global"},
    source="docs.cloud.google.com/vertex-ai/generative-ai/docs/reference/rest, 2026-11-21",
    owned_by="google",
    env_prefix="VERTEX",
    credential="x-goog-api-key",
    signer="google",
    endpoints={"gemini": _GEMINI, "messages": _MESSAGES},
    abilities=rules_gemini.ABILITIES,
    rules=(
        Rule("*", speaks=("gemini",)),
        *rules_gemini.RULES,
        Rule("claude*", _CLAUDE, family=rules_claude.FAMILY, speaks=("messages",)),
        *rules_claude.RULES,
    ),
    models_path="",
    price_book="vertex",
)
