"""Keys: what they look like, what their checksum catches, and that only their hash is needed."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw import apikey


@pytest.mark.parametrize("prefix", ["sk-fgw-", "", "x", "sk_live_"])
def test_a_key_is_its_prefix_and_33_characters(prefix: str) -> None:
    key = apikey.mint(prefix)
    assert key.startswith(prefix)
    assert len(key) == len(prefix) + 33
    assert key[len(prefix) :].isalnum()
    assert apikey.well_formed(key)


def test_keys_differ() -> None:
    assert len({apikey.mint() for _ in range(1000)}) == 1000


@given(place=st.integers(0, 39), other=st.sampled_from("0123456789abcXYZ-_"))
def test_one_wrong_character_is_noticed(place: int, other: str) -> None:
    key = apikey.mint()
    wrong = key[:place] + other + key[place + 1 :]
    assert apikey.well_formed(wrong) == (wrong == key)


@given(st.text(max_size=300))
def test_anything_else_is_no_key(text: str) -> None:
    assert not apikey.well_formed(text)


def test_a_long_header_is_not_looked_at() -> None:
    key = apikey.mint("a" * apikey.KEY_LENGTH_MAX)
    assert not apikey.well_formed(key)


def test_the_hash_is_sha_256() -> None:
    key = apikey.mint()
    assert apikey.digest(key) == hashlib.sha256(key.encode()).hexdigest()


def test_a_hint_tells_the_owner_and_nobody_else() -> None:
    key = apikey.mint("sk-fgw-")
    assert apikey.hint(key) == f"sk-fgw-…{key[-4:]}"
