"""JSON with sorted keys and all else as it came."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.controlplane.payments.sorted_json import DEPTH_MAX, VALUES_MAX, Lists, sorted_json


def test_numbers_and_text_stay_letter_for_letter() -> None:
    body = b'{ "b": 1.50, "a" : {"z":1e-7,"y":[ 10 , {"d":0.10,"c":-0}]}, "c":"\\u00fc/\\/ \xc3\xbc" }'
    kept = b'{"a":{"y":[10,{"c":-0,"d":0.10}],"z":1e-7},"b":1.50,"c":"\\u00fc/\\/ \xc3\xbc"}'
    assert sorted_json(body, Lists.KEPT) == kept
    numbered = kept.replace(b'[10,{"c":-0,"d":0.10}]', b'{"0":10,"1":{"c":-0,"d":0.10}}')
    assert sorted_json(body, Lists.NUMBERED) == numbered


def test_of_a_key_that_comes_twice_the_last_one_stays() -> None:
    assert sorted_json(b'{"a":1,"b":2,"a":3}', Lists.KEPT) == b'{"a":3,"b":2}'


@pytest.mark.parametrize("body", [b"", b"[]", b"1", b"null", b"{", b'{"a":}', b'{"\xff":1}', b"{}x"])
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        sorted_json(body, Lists.KEPT)


@pytest.mark.parametrize("opening", [(b'{"a":', b"}"), (b'{"a":[', b"]}")])
def test_what_is_too_deep_is_refused(opening: tuple[bytes, bytes]) -> None:
    begin, end = opening
    for depth in (DEPTH_MAX + 1, 200, 5_000, 100_000):
        with pytest.raises(ValueError, match="JSON"):
            sorted_json(begin * depth + b"1" + end * depth, Lists.KEPT)


@pytest.mark.parametrize("lists", Lists)
def test_what_has_too_many_values_is_refused(lists: Lists) -> None:
    def body(count: int) -> bytes:
        # Two in the outermost object, one in each of the lists' objects.
        items = [{"x": 1} for _ in range(count)]
        return msgspec.json.encode({"a": items, "b": dict.fromkeys(map(str, range(10)), 1)})

    assert sorted_json(body((VALUES_MAX - 12) // 2), lists)
    with pytest.raises(ValueError, match="too many values"):
        sorted_json(body((VALUES_MAX - 12) // 2 + 1), lists)


plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@settings(deadline=None)
@given(st.dictionaries(st.text(max_size=3), plain, max_size=4))
def test_it_says_the_same_in_one_order(said: dict[str, object]) -> None:
    text = sorted_json(msgspec.json.encode(said), Lists.KEPT)
    assert msgspec.json.decode(text) == said
    assert text == sorted_json(msgspec.json.encode(dict(reversed(said.items()))), Lists.KEPT)
    assert text == sorted_json(text, Lists.KEPT)
    # Sorted by code points, as `order="sorted"` of msgspec does.
    assert text == msgspec.json.encode(said, order="sorted")
