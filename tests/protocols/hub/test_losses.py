"""Losses: listed once and within a bound, or refused."""

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Opaque
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


def test_an_opaque_part_is_listed_by_its_place() -> None:
    losses = Losses()
    losses.opaque(Opaque("messages", "server_tool_use", "{}", "messages[1].content[0]"))
    losses.opaque(Opaque("messages", "server_tool_use", "{}"))
    assert losses.paths == ("messages[1].content[0]", "server_tool_use")


@pytest.mark.parametrize(
    "part",
    [
        Opaque("messages", "hologram", "{}", "messages[0].content[1]", asked=True),
        Opaque("responses", "item_reference", "{}", "messages[0].content[1]"),
    ],
)
def test_an_opaque_part_that_the_question_hangs_on_is_refused(part: Opaque) -> None:
    with pytest.raises(GatewayError) as refused:
        Losses().opaque(part)
    assert (refused.value.status, refused.value.param) == (400, "messages[0].content[1]")
    assert f"'{part.kind}'" in refused.value.message
