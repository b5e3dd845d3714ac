"""Losses: listed once and within a bound, or refused."""

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.losses import LISTED_MAX, MEANING, Losses


def test_losses_are_listed_once_in_order() -> None:
    losses = Losses()
    for path in ("seed", "top_k", "seed"):
        losses.drop(path)
    assert losses.paths == ("seed", "top_k")
    assert losses
    assert not Losses()


def test_a_flood_of_losses_is_only_counted() -> None:
    losses = Losses()
    for number in range(LISTED_MAX + 5):
        losses.drop(f"f{number}")
    assert len(losses.paths) == LISTED_MAX + 1
    assert losses.paths[-1] == "+5 more"


@pytest.mark.parametrize("name", MEANING)
def test_what_the_meaning_hangs_on_is_refused_by_name(name: str) -> None:
    with pytest.raises(GatewayError) as refused:
        Losses().foreign(["harmless", name])
    assert (refused.value.status, refused.value.param) == (400, name)
