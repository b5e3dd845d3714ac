"""Signatures on their way through a caller that knows only bytes."""

import base64

from google.genai import types
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini.seals import DUMMY, carried, foreign, may_hold_foreign, read
from fastgw.protocols.hub.sealed import Sealed


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["anthropic", "openai", "xai"]), st.text(), st.booleans())
def test_another_familys_seal_survives_the_sdk(family: str, data: str, redacted: bool) -> None:
    sealed = Sealed(family, data)
    text = carried(sealed, redacted=redacted)
    part = types.Part.model_validate({"text": "", "thoughtSignature": text})
    back = part.model_dump(mode="json", by_alias=True)["thoughtSignature"]
    assert foreign(back)
    assert may_hold_foreign(back.encode())
    assert read(back) == (sealed, redacted)
    assert read(back.rstrip("=")) == (sealed, redacted)


def test_googles_own_is_as_it_was() -> None:
    assert carried(Sealed("gemini", "CiQB+/==")) == "CiQB+/=="
    assert read("CiQB+/==") == (Sealed("gemini", "CiQB+/=="), False)
    assert not foreign("CiQB+/==")


def test_a_dummy_is_no_seal() -> None:
    for text in (DUMMY, base64.b64encode(DUMMY.encode()).decode(), "context_engineering_is_the_way_to_go", "", None):
        assert read(text) == (None, False)


def test_what_only_begins_alike_is_googles_own() -> None:
    for text in ("Zmd3MS4", base64.b64encode(b"fgw1x").decode(), "cmVkYWN0ZWQu!", "Zmd3MS8="):
        if text != "Zmd3MS4":
            assert not foreign(text)
            assert read(text) == (Sealed("gemini", text), False)
    assert foreign("Zmd3MS4")
