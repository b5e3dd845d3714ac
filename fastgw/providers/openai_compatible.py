"""Any server that speaks OpenAI's chat completions: llama.cpp, LM Studio, SGLang, another gateway.

`speaks` of a provider says which other dialects it has, `abilities` what its models cannot take. What is assumed is
what most of them share; `max_tokens` is the older name of the cap, known to all.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="openai_compatible",
    title="OpenAI-compatible server",
    base_url="",
    source="github.com/openai/openai-openapi, 2026-11-21",
    needs_credential=False,
    # Nothing is known of who made its models: a server that speaks Gemini and one that speaks Messages are two makers.
    family="openai_compatible_{dialect}",
    abilities=Abilities(
        output_cap="max_tokens",
        developer_role=False,
        tool_strict=False,
        custom_tools=False,
        document_input=False,
        efforts=("low", "medium", "high"),
        echo_reasoning="kept",
    ),
)
