"""Holds bodies against OpenAI's API description. Fields of other vendors, which are sent on purpose, come off first."""

from typing import Any

from tests.conformance.spec import assert_valid

EXTENSIONS = frozenset(("reasoning_content", "reasoning_details", "thinking_blocks", "images", "extra_content",
                        "cache_control"))  # fmt: skip
"""Of OpenRouter, LiteLLM, DeepSeek and Google."""


def bare(value: Any) -> Any:
    """Without the fields of other vendors."""
    if isinstance(value, dict):
        return {name: bare(inner) for name, inner in value.items() if name not in EXTENSIONS}
    return [bare(inner) for inner in value] if isinstance(value, list) else value


def check(value: Any, name: str) -> None:
    """Hold `value` against the schema `name`."""
    assert_valid(bare(value), name)
