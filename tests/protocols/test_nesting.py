"""How deep a body nests."""

from typing import Any

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.nesting import deeper_than


def depth(value: Any) -> int:
    if isinstance(value, dict):
        return 1 + max(map(depth, value.values()), default=0)
    if isinstance(value, list):
        return 1 + max(map(depth, value), default=0)
    return 0


nested = st.recursive(st.text(alphabet='[]{}"\\a'), lambda x: st.lists(x) | st.dictionaries(st.text('[]{}"\\'), x))


@given(nested, st.integers(min_value=0, max_value=8))
def test_it_agrees_with_a_parser(value: Any, limit: int) -> None:
    assert deeper_than(msgspec.json.encode(value), limit) == (depth(value) > limit)


def test_at_the_limit() -> None:
    assert not deeper_than(b"[" * 128 + b"]" * 128, 128)
    assert deeper_than(b"[" * 129 + b"]" * 129, 128)
    assert deeper_than(b'{"a":' * 200 + b"1" + b"}" * 200, 128)


@given(st.binary(max_size=400))
def test_malformed_input_gets_some_answer(data: bytes) -> None:
    assert deeper_than(data, 3) in {True, False}


def test_a_string_of_escaped_quotes_without_an_end_does_not_hold_up_the_worker() -> None:
    # With a search that starts anew at each quote this takes minutes; it has no deadline but the suite's own.
    assert deeper_than(b"[" * 200 + b'"' + b'\\"' * 1_000_000, 64)
    assert not deeper_than(b"[" * 60 + b'"' + b'\\"[' * 100_000, 64)


@given(nested)
def test_slices_are_joined_in_and_out_of_strings(value: Any) -> None:
    filler = ["[" * 70_000, '"{', value]
    assert deeper_than(msgspec.json.encode(filler), 1 + depth(value)) is False
    if isinstance(value, dict | list) and value:
        assert deeper_than(msgspec.json.encode(filler + [[]] * 10), depth(value))
