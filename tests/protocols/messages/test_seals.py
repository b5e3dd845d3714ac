"""Seals of neighbours come back to where they belong."""

import pytest

from fastgw.protocols.hub.sealed import Sealed, tagged
from fastgw.protocols.messages.seals import attached, carried


@pytest.mark.parametrize("ahead", [True, False])
@pytest.mark.parametrize("family", ["gemini", "anthropic", "x"])
def test_a_carried_seal_is_found_again(family: str, ahead: bool) -> None:
    found = attached(carried(Sealed(family, "a.b+/="), ahead=ahead))
    assert found is not None
    assert (found.sealed, found.ahead) == (Sealed(family, "a.b+/="), ahead)


@pytest.mark.parametrize(
    "data", ["EroBCkgIBRABGAIi", tagged(Sealed("openai", "x"), "anthropic"), "next:", "next:abc", ""]
)
def test_a_thought_is_no_neighbours_seal(data: str) -> None:
    assert attached(data) is None
