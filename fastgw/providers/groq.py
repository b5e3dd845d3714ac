"""Groq.

Log probabilities, `logit_bias`, more than one choice and `name` on messages are a 400 (console.groq.com/docs/openai);
which efforts a model knows, and `reasoning_format`, without which Qwen's reasoning stands in the content:
console.groq.com/docs/reasoning; all read 2026-11-21. Responses is a beta there that refuses fields of today's clients
(`include`, `store`): only `speaks` of a provider leads to it.
"""

import msgspec

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, RESPONSES
from fastgw.providers.vendor import Rule, Vendor

_APART = {"reasoning_format": msgspec.Raw(b'"parsed"')}

VENDOR = Vendor(
    name="groq",
    title="Groq",
    base_url="https://api.groq.com/openai/v1",
    source="console.groq.com/docs/openai, 2026-11-21",
    owned_by="groq",
    env_prefix="GROQ",
    price_book="groq",
    endpoints={"chat": CHAT, "responses": RESPONSES},
    abilities=Abilities(
        names=False,
        choices=False,
        logprobs=False,
        custom_tools=False,
        json_schema="object",
        image_input=False,
        document_input=False,
        audio_input=False,
        reasoning="none",
        lacks=("top_k", "logit_bias"),
    ),
    rules=(
        Rule("*", speaks=("chat",)),
        Rule(
            "openai/gpt-oss*",
            {"json_schema": "native", "reasoning": "effort", "efforts": ("low", "medium", "high"),
             "reasoning_off": False},
        ),
        Rule("qwen/*", {"extra": _APART}, dialect="chat"),
        Rule("*llama-4*", {"json_schema": "native", "image_input": True}),
        Rule("moonshotai/*", {"json_schema": "native"}),
    ),
)  # fmt: skip
