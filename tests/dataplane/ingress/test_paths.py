"""Gemini's paths: names hold anything that a name may, and never become another path."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.dataplane.ingress.paths import ACTIONS, MODEL_LENGTH_MAX, GeminiPath, framing_in, gemini_path, said_by
from fastgw.protocols.hub.dialect import FromPath
from fastgw.providers.endpoint import GEMINI


@pytest.mark.parametrize(
    ("rest", "model", "action"),
    [
        ("gemini-x:generateContent", "gemini-x", "generateContent"),
        ("models/gemini-x:streamGenerateContent", "gemini-x", "streamGenerateContent"),
        ("gemini-x", "gemini-x", ""),
        ("models/gemini-x", "gemini-x", ""),
        ("tunedModels/mine-7:countTokens", "tunedModels/mine-7", "countTokens"),
        ("openrouter/meta/llama:free:generateContent", "openrouter/meta/llama:free", "generateContent"),
        ("meta/llama:free", "meta/llama:free", ""),
        ("m:generateContent:countTokens", "m:generateContent", "countTokens"),
        ("m:delete", "m:delete", ""),
        ("m:generatecontent", "m:generatecontent", ""),
        ("a..b...c:embedContent", "a..b...c", "embedContent"),
        ("日本:batchEmbedContents", "日本", "batchEmbedContents"),
        ("models/models/x:generateContent", "models/x", "generateContent"),
    ],
)
def test_a_name_ends_at_the_last_colon_before_an_action(rest: str, model: str, action: str) -> None:
    assert gemini_path(rest) == GeminiPath(model, action)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "rest",
    [
        "", ":generateContent", "models/", "models/:generateContent", "a/../b:generateContent",
        "../files:generateContent",
        "..:countTokens", "models/..:countTokens", "./x", "a//b", "/a", "a/", "a\\..\\b", "%2e%2e/x", "a?key=1", "a#b",
        "a b", "a\nb", "a\x00", "a\u2028b", "a\ud800", "x" * (MODEL_LENGTH_MAX + 1),
    ],
)  # fmt: skip
def test_what_could_be_another_path_is_no_name(rest: str) -> None:
    assert gemini_path(rest) is None


_names = st.text(
    st.one_of(st.sampled_from("/:.%\\?#~@ \n"), st.characters(max_codepoint=0x17F)), min_size=1, max_size=24
)


@settings(max_examples=300, deadline=None)
@given(_names, st.sampled_from(sorted(ACTIONS)))
def test_a_name_goes_on_as_one_segment_whatever_it_holds(name: str, action: str) -> None:
    path = gemini_path(f"{name}:{action}")
    if path is None:
        return
    assert (path.model, path.action) == (name, action)
    onward = GEMINI.paths("/v1beta", path.model)[0]
    assert onward.startswith(b"/v1beta/models/") and onward.endswith(b":generateContent")
    inner = onward.removeprefix(b"/v1beta/models/").removesuffix(b":generateContent")
    assert not set(inner) & set(b"/?#\\ ") and inner not in {b".", b".."}


@settings(max_examples=100, deadline=None)
@given(st.lists(st.from_regex(r"[A-Za-z0-9_-][A-Za-z0-9_.:-]{0,8}", fullmatch=True), min_size=1, max_size=4))
def test_every_ordinary_name_is_taken_with_and_without_prefix(segments: list[str]) -> None:
    name = "/".join(["vendor", *segments])
    for action in sorted(ACTIONS):
        assert gemini_path(f"{name}:{action}") == gemini_path(f"models/{name}:{action}") == GeminiPath(name, action)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("query", "framing"),
    [
        (b"alt=sse", "sse"),
        (b"key=1&alt=sse", "sse"),
        (b"$alt=sse&prettyPrint=0", "sse"),
        (b"%24alt=sse", "sse"),
        (b"", "array"),
        (b"alt=json", "array"),
        (b"salt=sse", "array"),
        (b"alt=sseX", "array"),
    ],
)
def test_events_are_sent_to_who_asks_for_them(query: bytes, framing: str) -> None:
    assert framing_in(query) == framing


def test_path_and_query_say_model_stream_and_framing() -> None:
    assert said_by(GeminiPath("m", "streamGenerateContent"), b"alt=sse") == FromPath("m", True, "sse")
    assert said_by(GeminiPath("m", "generateContent"), b"") == FromPath("m", False, "array")
