"""Ids of tool calls: what fits every dialect, the same each time, never two the same."""

import re

from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.hub.ids import minted, tool_id

FIT = re.compile(r"[a-zA-Z0-9_-]{1,64}")


@given(st.text(max_size=90), st.sampled_from(["call_", "toolu_", ""]))
def test_any_id_becomes_one_that_fits(given_id: str, prefix: str) -> None:
    made = tool_id(given_id, prefix)
    assert made.startswith(prefix)
    assert FIT.fullmatch(made) or (made == "" == given_id)
    assert tool_id(given_id, prefix) == made
    assert tool_id(made, prefix) == made


@given(st.sets(st.from_regex(r"\A(call_|toolu_)?[a-z0-9:/]{1,80}\Z"), min_size=2, max_size=8))
def test_ids_of_one_maker_stay_different(ids: set[str]) -> None:
    bare = {one.removeprefix("call_").removeprefix("toolu_") for one in ids}
    assert len({tool_id(one, "call_") for one in ids}) >= len(bare)


def test_a_foreign_prefix_is_replaced() -> None:
    assert tool_id("toolu_01AbC", "call_") == "call_01AbC"
    assert tool_id("call_01AbC", "toolu_") == "toolu_01AbC"
    assert tool_id("call_01AbC", "call_") == "call_01AbC"
    assert tool_id("function-call-7", "call_") == "call_function-call-7"


def test_minted_ids_differ_by_exchange_and_number() -> None:
    made = {minted("call_", exchange, number) for exchange in ("req_a", "req_b", "x" * 80) for number in range(3)}
    assert len(made) == 9
    assert all(FIT.fullmatch(one) for one in made)
