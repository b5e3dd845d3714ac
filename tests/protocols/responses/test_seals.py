"""Seals that stand elsewhere than on reasoning survive the way to the caller and back."""

from fastgw.protocols.hub.sealed import Sealed, untagged
from fastgw.protocols.responses import seals

GEMINI = Sealed("gemini", "a.b/c=")


def test_of_a_call() -> None:
    carrier = untagged(seals.carried_by_call("call_1-x", GEMINI), "openai")
    assert carrier.family in seals.CARRIERS
    assert seals.carried(carrier) == ("call_1-x", GEMINI)


def test_of_a_text() -> None:
    assert seals.carried(untagged(seals.carried_by_text(GEMINI), "openai")) == ("", GEMINI)


def test_a_seal_of_the_callers_own_family_keeps_it() -> None:
    own = Sealed("openai", "gAAA")
    assert seals.carried(untagged(seals.carried_by_call("c", own), "openai")) == ("c", own)


def test_what_the_words_beside_a_seal_are() -> None:
    assert seals.opened(None, "openai") == (None, False, False)
    assert seals.opened("gAAA", "openai") == (Sealed("openai", "gAAA"), False, False)
    assert seals.opened(seals.UNSEALED, "openai") == (None, False, True)
    assert seals.opened("fgw1.gemini.G", "openai") == (Sealed("gemini", "G"), False, True)
    assert seals.opened(seals.redacted(GEMINI), "openai") == (GEMINI, True, True)


def test_redacted() -> None:
    outer = untagged(seals.redacted(GEMINI), "openai")
    assert (outer.family, untagged(outer.data, "openai")) == (seals.REDACTED, GEMINI)
