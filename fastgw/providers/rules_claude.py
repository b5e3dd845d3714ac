"""What the models of Anthropic take, wherever they are served.

Unknown names count as the newest. Sources (2026-11-21): platform.claude.com/docs "What's new" of Opus and Sonnet 5.5
(thinking cannot be disabled, no forced tool calls), Opus 4.7 (no sampling parameters, adaptive thinking only), Opus 4.8
(system messages within), "Structured outputs" (from 4.5), "Extended thinking" (signatures are good on every platform).
"""

import re

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Rule

FAMILY = "anthropic"

ABILITIES = Abilities(
    sampling=False,
    temperature_max=1.0,
    temperature_and_top_p=False,
    stop_max=64,
    choices=False,
    logprobs=False,
    forced_calls=False,
    tool_images=True,
    custom_tools=False,
    web_search="tool",
    document_url=True,
    audio_input=False,
    reasoning="adaptive",
    efforts=("low", "medium", "high", "xhigh", "max"),
    reasoning_off=False,
    cache_control=True,
    version="2023-06-01",
)

_OFF = {"reasoning_off": True, "forced_calls": True}
_BEFORE_4_7 = _OFF | {"sampling": True, "mid_system": False}
_UNSTRICT = {"json_schema": "none", "tool_strict": False}
_BUDGET = _BEFORE_4_7 | {"reasoning": "budget"}


def _named(*names: str) -> str:
    """A pattern of model names. Resellers write the version with a dot (`4.7`)."""
    dashed = [f"*claude-{name}*" for name in names]
    return "|".join([*dashed, *(re.sub(r"-(\d)-(\d)", r"-\1.\2", name) for name in dashed)])


RULES = (
    Rule(_named("opus-5", "sonnet-5", "opus-4-8"), _OFF),
    Rule("*claude-*-5-5*|*claude-*-5.5*", {"reasoning_off": False, "forced_calls": False}),
    Rule(_named("opus-4-7"), _OFF | {"mid_system": False}),
    Rule(_named("opus-4-6", "sonnet-4-6"), _BEFORE_4_7 | {"efforts": ("low", "medium", "high", "max")}),
    Rule(_named("opus-4-5", "sonnet-4-5", "haiku-4-5"), _BUDGET),
    # Of the first 4 it is the date, if anything, that follows.
    Rule(_named("opus-4-0", "opus-4-1", "opus-4-2", "sonnet-4-0", "sonnet-4-2", "3-7"), _BUDGET | _UNSTRICT),
    Rule("*claude-opus-4|*claude-sonnet-4|*claude-opus-4@*|*claude-sonnet-4@*", _BUDGET | _UNSTRICT),
    Rule(
        _named("2", "v", "instant", "3-haiku", "3-sonnet", "3-opus", "3-5"),
        _BEFORE_4_7 | _UNSTRICT | {"reasoning": "none", "temperature_and_top_p": True},
    ),
)
