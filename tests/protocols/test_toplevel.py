"""The top level of a body: whatever is wrong with it is a 400 that says where."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.nesting import deeper_than


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"7", b"{", b'{"a":\xff}', b'{"a":' + b"[" * 200 + b"]" * 200 + b"}", b"\x00"]
)
def test_what_is_no_object_is_refused(body: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        toplevel.decode(body, 128)
    assert refused.value.status == 400


@given(st.binary(max_size=200))
def test_garbage_is_refused_or_read(body: bytes) -> None:
    try:
        assert isinstance(toplevel.decode(body, 16), dict)
    except GatewayError as error:
        assert error.status == 400


def test_nested_bytes_stay_and_the_last_of_two_keys_stands() -> None:
    fields = toplevel.decode(b'{"a":1,"b":{"x": 1.0},"a":2}', 16)
    assert {name: bytes(raw) for name, raw in fields.items()} == {"a": b"2", "b": b'{"x": 1.0}'}


@pytest.mark.parametrize("body", [b"{}", b'{"model":7}', b'{"model":""}', b'{"model":"%s"}' % (b"x" * 300)])
def test_a_model_must_have_a_name(body: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        toplevel.model(toplevel.decode(body, 16))
    assert refused.value.param == "model"


def test_a_cap_is_the_first_that_holds_a_number() -> None:
    fields = toplevel.decode(b'{"a":null,"b":5,"c":-1,"d":99999999999999}', 16)
    assert toplevel.cap(fields, "a", "b") == 5
    assert toplevel.cap(fields, "x") == 0
    assert toplevel.cap(fields, "d") == 2**31
    with pytest.raises(GatewayError):
        toplevel.cap(fields, "c")


nested = st.recursive(
    st.text(alphabet='[]{}"\\', max_size=4),
    lambda inner: st.lists(inner, max_size=6) | st.dictionaries(st.text('[]{}"\\', max_size=3), inner, max_size=6),
    max_leaves=40,
)


@given(st.dictionaries(st.text("ab[{", max_size=2), nested, max_size=4), st.integers(1, 8))
def test_its_nesting_is_judged_as_by_a_scan(body: dict[str, Any], nesting_max: int) -> None:
    data = msgspec.json.encode(body)
    try:
        assert toplevel.decode(data, nesting_max).keys() == body.keys()
    except GatewayError:
        assert deeper_than(data, nesting_max)
    else:
        assert not deeper_than(data, nesting_max)


def test_a_deep_value_behind_a_later_one_of_the_same_name_is_refused_too() -> None:
    deep = b"[" * 20 + b"]" * 20
    with pytest.raises(GatewayError, match="nests deeper than 16 levels"):
        toplevel.decode(b'{"a":%b,"a":1}' % deep, 16)
    with pytest.raises(GatewayError, match="nests deeper than 16 levels"):
        toplevel.decode(b'{"a":[1,2,%b]}' % deep, 16)


def test_no_depth_overwhelms_the_decoder() -> None:
    for opening, closing in ((b"[", b"]"), (b'{"a":', b"}")):
        deep = b'{"a":' + opening * 2_000 + closing * 2_000 + b"}"
        with pytest.raises(GatewayError, match="nests deeper than 128 levels"):
            toplevel.decode(deep, 128)


@pytest.mark.parametrize("name", ["Model", "MODEL", "N", "Max_Tokens", "max_toKens", "maX_tokens", "mesſages"])
def test_what_a_server_may_take_for_a_field_that_counts_is_refused(name: str) -> None:
    fields = toplevel.decode(msgspec.json.encode({"model": "cheap", name: "dear"}), 16)
    with pytest.raises(GatewayError) as refused:
        toplevel.refuse_lookalikes(fields)
    assert (refused.value.status, refused.value.param) == (400, name)


@pytest.mark.parametrize("name", ["Custom", "generationConfig", "X_model", "größe", "labels"])
def test_other_names_pass_as_they_are(name: str) -> None:
    toplevel.refuse_lookalikes(toplevel.decode(msgspec.json.encode({"model": "cheap", name: 1}), 16))
