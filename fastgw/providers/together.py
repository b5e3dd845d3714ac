"""Together AI: open models by `vendor/model`.

What reasons takes `reasoning_effort` (docs.together.ai/docs/openai-api-compatibility and the quickstarts of GLM 5.3,
Kimi K3 and gpt-oss, read 2026-11-21).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, COMPLETIONS
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="together",
    title="Together AI",
    base_url="https://api.together.ai/v1",
    source="docs.together.ai/docs/openai-api-compatibility, 2026-11-21",
    owned_by="together",
    env_prefix="TOGETHER",
    endpoints={"chat": CHAT, "completions": COMPLETIONS},
    abilities=Abilities(
        output_cap="max_tokens",
        developer_role=False,
        parallel_flag=False,
        tool_strict=False,
        custom_tools=False,
        document_input=False,
        audio_input=False,
        video_input=True,
        reasoning="none",
        efforts=("low", "medium", "high"),
        reasoning_off=False,
        echo_reasoning="kept",
    ),
    rules=(
        Rule("openai/gpt-oss*|moonshotai/kimi-k3*|deepseek-ai/deepseek-v4*|zai-org/glm-5.*", {"reasoning": "effort"}),
        Rule("zai-org/glm-5.3*", {"efforts": ("low", "medium", "high", "max")}),
    ),
)
