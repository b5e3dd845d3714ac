"""Mistral AI.

Unknown fields are refused (422), so that what it does not know is never sent: the seed is `random_seed`, a stream ends
with its usage unasked, there is no role `developer`, documents
and sound have parts of its own (docs.mistral.ai/api, read 2026-11-21).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="mistral",
    title="Mistral AI",
    base_url="https://api.mistral.ai/v1",
    source="docs.mistral.ai/api, 2026-11-21",
    owned_by="mistral",
    env_prefix="MISTRAL",
    price_book="mistral",
    endpoints={"chat": CHAT},
    abilities=Abilities(
        output_cap="max_tokens",
        stream_usage=False,
        names=False,
        developer_role=False,
        seed="random_seed",
        temperature_max=1.5,
        logprobs=False,
        custom_tools=False,
        document_input=False,
        audio_input=False,
        reasoning="none",
        efforts=("none", "high"),
        lacks=(
            "top_k",
            "user",
            "service_tier",
            "store",
            "metadata",
            "verbosity",
            "logit_bias",
            "prompt_cache_retention",
        ),
    ),
    rules=(Rule("mistral-small*|mistral-medium*", {"reasoning": "effort"}),),
)
