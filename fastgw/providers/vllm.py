"""vLLM (`vllm serve`), which speaks four dialects on one port; what a model takes depends on its chat template.

Source: docs.vllm.ai/en/latest/serving/openai_compatible_server.html, read 2026-11-21. No variable turns it on: the
server itself reads `VLLM_API_KEY`.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, COMPLETIONS, MESSAGES, RESPONSES
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="vllm",
    title="vLLM",
    base_url="http://127.0.0.1:8000/v1",
    source="docs.vllm.ai/en/latest/serving/openai_compatible_server.html, 2026-11-21",
    needs_credential=False,
    endpoints={"chat": CHAT, "messages": MESSAGES, "responses": RESPONSES, "completions": COMPLETIONS},
    abilities=Abilities(
        developer_role=False,
        stop_max=64,
        tool_strict=False,
        custom_tools=False,
        document_input=False,
        video_input=True,
        efforts=("low", "medium", "high"),
        echo_reasoning="kept",
    ),
    rules=(
        Rule("*", {"choices": False, "logprobs": False, "reasoning": "none", "mid_system": False}, dialect="messages"),
    ),
)
