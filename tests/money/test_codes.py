"""Redemption codes: easy to type, hard to guess, and a mistyped one is noticed."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.money import codes

CODE = "FGW-Q2X31-9T7S1-GBH21-NVE2K-7KMDW"
"""One that was minted once: what it is must not change, for there are printed ones."""
CHARS = CODE.removeprefix("FGW-").replace("-", "")
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def test_a_code_of_long_ago_is_still_one() -> None:
    assert codes.normal(CODE) == CODE


def test_a_code_can_be_typed_in_many_ways() -> None:
    made = [codes.mint() for _ in range(300)]
    assert len(set(made)) == 300
    for code in made:
        groups = code.split("-")
        assert groups[0] == "FGW" and [len(group) for group in groups[1:]] == [5] * 5
        assert set("".join(groups[1:])) <= set(ALPHABET)
        for typed in (code, code.lower(), code[4:], f" {code} \n", code.replace("-", ""), code.replace("-", " – ")):
            assert codes.normal(typed) == code
        assert codes.normal(code.replace("1", "l").replace("0", "o")) == code
        assert codes.normal(code.replace("1", "I").replace("0", "O")) == code
        assert codes.digest(code) != codes.digest(codes.mint())
        assert codes.hint(code) == f"{code[:9]}-…"


@settings(deadline=None)
@given(st.integers(0, len(CHARS) - 1), st.sampled_from(ALPHABET))
def test_one_wrong_character_is_noticed(place: int, char: str) -> None:
    typed = CHARS[:place] + char + CHARS[place + 1 :]
    assert codes.normal(typed) == (CODE if typed == CHARS else None)


@settings(deadline=None)
@given(st.integers(0, 22), st.integers(0, 22))
def test_two_swapped_characters_are_noticed(first: int, second: int) -> None:
    chars = list(CHARS)
    chars[first], chars[second] = chars[second], chars[first]
    typed = "".join(chars)
    assert codes.normal(typed) == (CODE if typed == CHARS else None)


@pytest.mark.parametrize("text", ["", "FGW", CODE[:-1], CODE + "0", "U" * 25, "0" * 24 + "1", "a" * 10_000, "٣" * 25])
def test_what_is_no_code_is_none(text: str) -> None:
    assert codes.normal(text) is None


@settings(deadline=None)
@given(st.text(max_size=70))
def test_no_text_breaks_it(text: str) -> None:
    found = codes.normal(text)
    assert found is None or codes.normal(found) == found
