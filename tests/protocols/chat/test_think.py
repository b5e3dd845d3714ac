"""Splitting `<think>` off, however the stream cuts it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.chat.think import ThinkSplitter


def split(pieces: list[str]) -> tuple[str, str]:
    splitter = ThinkSplitter()
    found = [*(splitter.feed(piece) for piece in pieces), splitter.end()]
    return "".join(thought for thought, _ in found), "".join(text for _, text in found)


CASES = [
    ("<think>\nhm</think>\n\nyes", ("hm", "yes")),
    (" \n<think>hm</think>yes <think>no</think>", ("hm", "yes <think>no</think>")),
    ("<think>a < b </thin k> c</think>d", ("a < b </thin k> c", "d")),
    ("<think></think>\n\nx", ("", "x")),
    ("no <think>tags</think>", ("", "no <think>tags</think>")),
    (" <thing> x", ("", " <thing> x")),
    ("<think>never closed </thi", ("never closed </thi", "")),
    ("  <thi", ("", "  <thi")),
    ("", ("", "")),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_whole_and_character_by_character(text: str, expected: tuple[str, str]) -> None:
    assert split([text]) == expected
    assert split([*text]) == expected


@given(st.sampled_from(CASES), st.lists(st.integers(0, 60), max_size=6))
def test_any_cut(case: tuple[str, tuple[str, str]], cuts: list[int]) -> None:
    text, expected = case
    places = sorted({min(cut, len(text)) for cut in cuts})
    assert split([text[a:b] for a, b in zip([0, *places], [*places, len(text)], strict=True)]) == expected


def test_words_are_not_held_back_longer_than_a_tag() -> None:
    splitter = ThinkSplitter()
    assert splitter.feed("<think>abc") == ("abc", "")
    assert splitter.feed(" < d </") == (" < d ", "")
    assert splitter.feed("x") == ("</x", "")
