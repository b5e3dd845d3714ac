"""Seals of other families are told apart when they come back."""

from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.hub.sealed import Sealed, tagged, untagged


@given(st.sampled_from(["anthropic", "openai", "x-ai"]), st.text(), st.sampled_from(["anthropic", "openai"]))
def test_there_and_back(family: str, data: str, native: str) -> None:
    if family == native and data.startswith("fgw1."):
        return  # no provider's signature looks like a tag
    assert untagged(tagged(Sealed(family, data), native), native) == Sealed(family, data)


def test_a_seal_of_the_callers_own_family_stays_bare() -> None:
    assert tagged(Sealed("anthropic", "abc"), "anthropic") == "abc"
    assert tagged(Sealed("gemini", "abc"), "anthropic") == "fgw1.gemini.abc"
    assert untagged("fgw1.not a family.abc", "openai") == Sealed("openai", "fgw1.not a family.abc")
