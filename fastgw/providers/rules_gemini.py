"""What the models of Google take in their own dialect, at the Gemini API and on Vertex.

Unknown names count as the newest. Sources, all read 2026-11-21: ai.google.dev/gemini-api/docs/thinking (levels from
Gemini 3 on, budgets before; both at once are a 400), …/thought-signatures (demanded from Gemini 3 on),
…/structured-output (JSON Schema from 2.5 on), …/function-calling (media in results from Gemini 3 on).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Rule

ABILITIES = Abilities(
    mid_system=False,
    stop_max=5,
    parallel_flag=False,
    tool_strict=False,
    tool_images=True,
    custom_tools=False,
    web_search="tool",
    image_url=False,
    video_input=True,
    reasoning="level",
    efforts=("minimal", "low", "medium", "high"),
    reasoning_off=False,
    schema_json=True,
    signatures_demanded=True,
)

_BEFORE_3 = {"signatures_demanded": False, "tool_images": False}

RULES = (
    Rule("*gemini-3-pro*", {"efforts": ("low", "high")}),
    Rule("*gemini-3.*-pro*", {"efforts": ("low", "medium", "high")}),
    Rule("*gemini-2.5*", _BEFORE_3 | {"reasoning": "budget", "budget_max": 24_576, "reasoning_off": True}),
    Rule("*gemini-2.5-pro*", {"budget_min": 128, "budget_max": 32_768, "reasoning_off": False}),
    Rule("*gemini-2.5-flash*", {"budget_min": 1}),
    Rule("*gemini-2.5-flash-lite*", {"budget_min": 512}),
    Rule(
        "*gemini-2.0*|*gemini-1*|*gemini-flash-1*|*gemini-pro|*gemini-pro-1*|*gemma*",
        _BEFORE_3 | {"reasoning": "none", "schema_json": False},
    ),
)
