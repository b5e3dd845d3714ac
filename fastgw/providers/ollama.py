"""Ollama, on this machine unless `base_url` says otherwise (`https://ollama.com/v1` with a key is its cloud).

`tool_choice` is not known, images are base64 only (docs.ollama.com/api/openai-compatibility, …/anthropic-compatibility,
read 2026-11-21). Its cloud takes keys as a bearer token alone.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="ollama",
    title="Ollama",
    base_url="http://127.0.0.1:11434/v1",
    source="docs.ollama.com/api/openai-compatibility, 2026-11-21",
    owned_by="ollama",
    needs_credential=False,
    endpoints={"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES, "completions": COMPLETIONS},
    abilities=Abilities(
        output_cap="max_tokens",
        developer_role=False,
        stop_max=64,
        choices=False,
        parallel_flag=False,
        forced_calls=False,
        tool_strict=False,
        custom_tools=False,
        image_url=False,
        document_input=False,
        audio_input=False,
        efforts=("none", "low", "medium", "high"),
        echo_reasoning="kept",
    ),
    rules=(
        Rule("*", {"reasoning": "budget", "logprobs": False, "mid_system": False, "json_schema": "none"},
             dialect="messages"),
    ),
)  # fmt: skip
