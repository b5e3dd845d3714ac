"""Paths of endpoints: a model's name stays one segment of them, whatever it is."""

import re
import urllib.parse

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.providers.endpoint import STANDARD, Endpoint, quoted

TRICKY = st.one_of(
    st.text(max_size=40),
    st.text(alphabet="./\\%?#:@&=+~ ;2eEfF", max_size=12),
    st.sampled_from(["..", ".", "../..", "a/../b", "..%2f", "%2e%2e", "x?y", "x#y", "//evil", "\r\nhost: e", "\ud800"]),
)


@pytest.mark.parametrize(
    ("endpoint", "paths"),
    [
        (STANDARD["chat"], (b"/v1/chat/completions", b"/v1/chat/completions")),
        (STANDARD["messages"], (b"/v1/messages", b"/v1/messages")),
        (STANDARD["gemini"], (b"/v1/models/a%2Fb%3A1:generateContent",
                              b"/v1/models/a%2Fb%3A1:streamGenerateContent?alt=sse")),
        (STANDARD["converse"], (b"/v1/model/a%2Fb%3A1/converse", b"/v1/model/a%2Fb%3A1/converse-stream")),
        (Endpoint("/anthropic/v1/messages", instead_of="/v1"), (b"/anthropic/v1/messages",) * 2),
        (Endpoint("/deployments/{model}/chat?api-version={api_version}"),
         (b"/v1/deployments/a%2Fb%3A1/chat?api-version=2024-10-21",) * 2),
    ],
)  # fmt: skip
def test_paths(endpoint: Endpoint, paths: tuple[bytes, bytes]) -> None:
    assert endpoint.paths("/v1", "a/b:1", "2024-10-21") == paths


def test_counting() -> None:
    assert STANDARD["messages"].count_path("/v1", "m") == b"/v1/messages/count_tokens"
    assert STANDARD["gemini"].count_path("", "m") == b"/models/m:countTokens"
    assert STANDARD["chat"].count_path("/v1", "m") == b""


def test_an_ending_that_is_not_there_is_not_replaced() -> None:
    assert Endpoint("/b", instead_of="/v1").paths("/proxy", "m")[0] == b"/proxy/b"


@pytest.mark.parametrize(
    ("name", "segment"),
    [
        ("gpt-5.4_x~", "gpt-5.4_x~"),
        ("..", "%252E%252E"),
        ("a/../b", "a%2F%252E%252E%2Fb"),
        ("ü", "%C3%BC"),
        ("a..b", "a..b"),
        ("%2e%2e", "%252e%252e"),
        ("arn:aws:bedrock:eu-1:1:x/y", "arn%3Aaws%3Abedrock%3Aeu-1%3A1%3Ax%2Fy"),
    ],
)
def test_quoted(name: str, segment: str) -> None:
    assert quoted(name) == segment


@settings(max_examples=300)
@given(TRICKY)
def test_a_name_is_one_segment_and_never_leads_elsewhere(name: str) -> None:
    segment = quoted(name)
    assert re.fullmatch(r"(?:[A-Za-z0-9._~-]|%[0-9A-F]{2})*", segment)
    # Also for a server that decodes before it splits and resolves.
    assert not {".", ".."} & set(re.split(r"[/\\]", urllib.parse.unquote(segment)))
    if not {".", ".."} & set(re.split(r"[/\\]", name)):
        assert urllib.parse.unquote(segment) == name.encode("utf-8", "replace").decode()


@settings(max_examples=200)
@given(TRICKY, st.sampled_from(sorted(STANDARD)))
def test_a_name_never_changes_the_rest_of_a_path(name: str, dialect: str) -> None:
    def every(model: str) -> list[bytes]:
        return [*STANDARD[dialect].paths("/base", model), STANDARD[dialect].count_path("/base", model)]

    for path, usual in zip(every(name), every("*"), strict=True):
        # A star becomes %2A, which marks the place of the name.
        assert path == usual.replace(b"%2A", quoted(name).encode("ascii"))
        assert path.count(b"/") == usual.count(b"/")
        assert path.count(b"?") == usual.count(b"?")
