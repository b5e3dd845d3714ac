"""Values beside the words, of any shape: what can be read is, the rest is passed over."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.protocols.chat import read_extras
from fastgw.protocols.hub.events import Kind

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["text", "thinking", "image_url", "url", "google", "data", "refusal"]), inner)
    ),
    max_leaves=8,
)


@given(st.lists(values, max_size=4), values)
def test_no_shape_is_too_odd(items: list[Any], value: Any) -> None:
    for _, text in [*read_extras.content_parts(items), *read_extras.images(items)]:
        assert isinstance(text, str)
    assert isinstance(read_extras.signature(value), str)
    assert all(isinstance(text, str) for text in read_extras.audio(value))


@pytest.mark.parametrize(("content", "expected"), [
    (["a", {"type": "text", "text": "b"}], [(Kind.TEXT, "a"), (Kind.TEXT, "b")]),
    ([{"thinking": "hm"}, {"thinking": [{"text": "h"}, {"text": "m"}]}], [(Kind.REASONING, "hm")] * 2),
    ([{"type": "refusal", "refusal": "no"}], [(Kind.REFUSAL, "no")]),
])  # fmt: skip
def test_content_of_parts(content: list[Any], expected: list[tuple[Kind, str]]) -> None:
    assert [*read_extras.content_parts(content)] == expected


def test_pictures() -> None:
    items = [{"image_url": {"url": "data:image/png;base64,AAAA"}}, {"image_url": "https://a"},
             {"image_url": {"url": "data:broken"}}]  # fmt: skip
    assert [*read_extras.images(items)] == [("image/png", "AAAA"), ("", "https://a")]
