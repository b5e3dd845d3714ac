"""Words and budgets of reasoning turn into each other without a gap."""

import pytest

from fastgw.protocols.hub.conversation import Effort
from fastgw.protocols.hub.effort import EFFORTS, budget_of, effort_of, nearest


def test_every_word_survives_its_budget() -> None:
    assert [effort_of(budget_of(effort)) for effort in EFFORTS] == list(EFFORTS)


@pytest.mark.parametrize(("budget", "effort"), [(1, "minimal"), (2_000, "medium"), (10_000, "high"), (10**6, "max")])
def test_a_budget_between_two_words_gets_the_larger(budget: int, effort: str) -> None:
    assert effort_of(budget) == effort


@pytest.mark.parametrize(
    ("said", "known", "sent"),
    [
        ("minimal", ("low", "high"), "low"),
        ("max", ("none", "low", "xhigh"), "xhigh"),
        ("medium", ("low", "high"), "low"),
        ("none", ("low",), None),
        ("low", ("none",), None),
        ("none", ("none", "low"), "none"),
    ],
)
def test_the_nearest_word_is_sent_and_off_is_no_degree(said: Effort, known: tuple[Effort, ...], sent: str) -> None:
    assert nearest(said, known) == sent
