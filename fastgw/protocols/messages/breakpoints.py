"""Prompt-cache breakpoints: the API takes four at most and answers 400 to a fifth.

The prompt is hashed in the order tools, system, messages, and each breakpoint stands for everything before it. So the
last four are kept: they hold the longest prefixes, and what an earlier one held is read through them (the API looks
back some 20 blocks; platform.claude.com/docs/en/build-with-claude/prompt-caching, 2026-11). A top-level
`cache_control` sets one of its own and counts.
"""

from collections.abc import Iterator
from typing import Any

from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Abilities

BREAKPOINTS_MAX = 4
FIELD = "cache_control"
MARK = b'"cache_control"'
"""Stands in every body with a breakpoint, and in next to none without."""


def bound(body: dict[str, Any], abilities: Abilities, losses: Losses) -> None:
    """Take away, as a loss, what is too much, or every breakpoint where the lane knows none."""
    marked = list(_marked(body))
    kept = BREAKPOINTS_MAX - (FIELD in body) if abilities.cache_control else 0
    for block in marked[: max(0, len(marked) - kept)]:
        del block[FIELD]
        losses.drop(FIELD)
    if not abilities.cache_control and body.pop(FIELD, None) is not None:
        losses.drop(FIELD)


def _marked(body: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from _blocks(body.get("tools"))
    yield from _blocks(body.get("system"))
    for message in body["messages"]:
        yield from _blocks(message["content"])


def _blocks(content: Any) -> Iterator[dict[str, Any]]:
    if isinstance(content, list):
        for block in content:
            if isinstance(block, dict):
                yield from _blocks(block.get("content"))
                if FIELD in block:
                    yield block
