"""How much to reason, in words and in tokens: one table for every dialect that has the one and lacks the other."""

from collections.abc import Sequence

from fastgw.protocols.hub.conversation import Effort

EFFORTS: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh", "max")
"""From least to most."""
BUDGETS: dict[Effort, int] = {
    "none": 0,
    "minimal": 512,
    "low": 1_024,
    "medium": 8_192,
    "high": 24_576,
    "xhigh": 32_768,
    "max": 128_000,
}
"""Tokens that each word stands for (as CLIProxyAPI has it, 2026-08; vendors publish none)."""


def budget_of(effort: Effort) -> int:
    """Reasoning tokens for a word; 0 for `none`."""
    return BUDGETS[effort]


def effort_of(budget_tokens: int) -> Effort:
    """The least word that stands for at least so many tokens; `none` for 0, `max` beyond the table."""
    for effort, tokens in BUDGETS.items():
        if budget_tokens <= tokens:
            return effort
    return "max"


def nearest(effort: Effort, known: Sequence[Effort]) -> Effort | None:
    """The word of `known` closest to `effort`, the lesser of two; None if there is none.

    `none` is only ever answered with `none`, and nothing else is: to switch reasoning off or on is no matter of degree.
    """
    if effort in known:
        return effort
    wanted = EFFORTS.index(effort)
    others = [word for word in EFFORTS if word in known and word != "none"]
    if effort == "none" or not others:
        return None
    return min(others, key=lambda word: abs(EFFORTS.index(word) - wanted))
