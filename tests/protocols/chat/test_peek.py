"""What is read of a chat request before anything else, and the splice that sends it on untouched."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.chat import peek as module
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.target import Abilities, Target

MESSAGES = [{"role": "user", "content": "hi"}]

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
values = st.recursive(scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20)
keys = st.text(min_size=1).filter(
    lambda k: k not in {"model", "messages", "stream", "stream_options", "n"} and "max_" not in k
)


def body(**fields: Any) -> bytes:
    return msgspec.json.encode({"model": "m", "messages": MESSAGES, **fields})


def peek(data: bytes, nesting_max: int = 128) -> Peek:
    return module.peek(toplevel.decode(data, nesting_max), FromPath())


def splice(data: bytes, model: str, **abilities: Any) -> bytes:
    lane = Target(model=model, dialect="chat", abilities=Abilities(**abilities))
    return module.splice(toplevel.decode(data, 128), peek(data), lane)


@given(st.dictionaries(keys, values, max_size=6), st.booleans())
def test_a_splice_changes_no_nested_byte(extra: dict[str, Any], stream: bool) -> None:
    raw = {key: msgspec.json.encode(value) for key, value in extra.items()}
    text = (
        b"{"
        + b",".join(
            [b'"model":"m"', b'"messages":  [ {"role" :"user", "content":"h\\u0069"} ]']
            + [msgspec.json.encode(key) + b" : " + value for key, value in raw.items()]
        )
        + b"}"
    )
    if stream:
        text = b'{"stream":true,' + text[1:]
    spliced = msgspec.json.decode(splice(text, "other"), type=dict[str, msgspec.Raw])
    spliced.pop("stream", None)
    assert bytes(spliced.pop("model")) == b'"other"'
    assert bytes(spliced.pop("messages")) == b'[ {"role" :"user", "content":"h\\u0069"} ]'
    options = spliced.pop("stream_options", None)
    assert (options is not None and bytes(options) == b'{"include_usage":true}') is stream
    assert {key: bytes(value) for key, value in spliced.items()} == raw


def test_other_stream_options_survive() -> None:
    data = body(stream=True, stream_options={"include_obfuscation": False, "include_usage": False})
    assert not peek(data).wants_usage
    sent = msgspec.json.decode(splice(data, "x"))
    assert sent["stream_options"] == {"include_obfuscation": False, "include_usage": True}


def test_usage_is_asked_for_last_and_in_one_spelling() -> None:
    data = body(stream=True, stream_options={"include_usage": True, "Include_Usage": False, "a": 1})
    assert list(msgspec.json.decode(splice(data, "x"))["stream_options"].items()) == [("a", 1), ("include_usage", True)]


def test_null_stream_options_are_replaced() -> None:
    sent = msgspec.json.decode(splice(body(stream=True, stream_options=None), "x"))
    assert sent["stream_options"] == {"include_usage": True}


def test_of_duplicate_keys_the_last_stands_everywhere() -> None:
    data = b'{"model":"a","model":"b","messages":[{"role":"user"}],"n":1,"n":2}'
    seen = peek(data)
    assert (seen.model, seen.choices) == ("b", 2)
    assert splice(data, "c").count(b'"n"') == 1


def test_a_lane_that_does_not_know_stream_options_gets_none() -> None:
    assert b"stream_options" not in splice(body(stream=True), "x", stream_usage=False)
    assert b"stream_options" not in splice(body(), "x")


def test_the_lanes_own_fields_yield_to_the_callers() -> None:
    extra = {"top_k": msgspec.Raw(b"5"), "user": msgspec.Raw(b'"gw"')}
    sent = msgspec.json.decode(splice(body(user="me"), "x", extra=extra))
    assert (sent["top_k"], sent["user"]) == (5, "me")


def test_a_lane_whose_path_names_the_model_gets_no_name() -> None:
    assert "model" not in msgspec.json.decode(splice(body(), "x", model_in_body=False))


def test_the_path_decides_over_the_body_whether_to_stream() -> None:
    fields = toplevel.decode(body(stream=True), 128)
    assert not module.peek(fields, FromPath(stream=False)).stream


def test_what_is_read() -> None:
    seen = peek(
        body(stream=True, stream_options={"include_usage": True}, n=3, max_tokens=5, max_completion_tokens=7), 128
    )
    assert (seen.stream, seen.wants_usage, seen.choices, seen.output_cap) == (True, True, 3, 7)


@pytest.mark.parametrize(
    ("data", "param"),
    [
        (b"", None),
        (b"[]", None),
        (b"{", None),
        (b'{"model":"m",}', None),
        (b'{"model":"m","messages":[{"role":"\xff"}]}', None),
        (b'{"messages":[]}', "model"),
        (b'{"model":"m"}', "messages"),
        (b'{"model":5,"messages":[]}', "model"),
        (b'{"model":"","messages":[{"role":"user"}]}', "model"),
        (b'{"model":"m","messages":{}}', "messages"),
        (b'{"model":"m","messages":[]}', "messages"),
        (b'{"model":"m","messages":[{"role":"user"},{"role":1}]}', "messages[1].role"),
        (b'{"model":"m","messages":[{}]}', "messages[0]"),
        (b'{"model":"m","messages":[{"role":"user"}],"stream":"yes"}', "stream"),
        (b'{"model":"m","messages":[{"role":"user"}],"n":0}', "n"),
        (b'{"model":"m","messages":[{"role":"user"}],"n":1000}', "n"),
        (b'{"model":"m","messages":[{"role":"user"}],"max_tokens":-1}', "max_tokens"),
        (b'{"model":"m","messages":[{"role":"user"}],"max_tokens":1.5}', "max_tokens"),
        (
            b'{"model":"m","messages":[{"role":"user"}],"stream_options":{"include_usage":3}}',
            "stream_options.include_usage",
        ),
        (b'{"model":"m","messages":[{"role":"user"}],"x":' + b"[" * 200 + b"]" * 200 + b"}", None),
    ],
)
def test_mistakes_are_named(data: bytes, param: str | None) -> None:
    with pytest.raises(GatewayError) as caught:
        peek(data)
    assert caught.value.kind is ErrorKind.BAD_REQUEST
    assert caught.value.status == 400
    assert caught.value.param == param


@given(st.binary(max_size=300))
def test_garbage_is_refused_or_read_but_never_crashes(data: bytes) -> None:
    try:
        peek(data)
    except GatewayError as error:
        assert error.status == 400


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ({"max_completion_tokens": 5}, {"max_tokens": 5}),
        ({"max_completion_tokens": 5, "max_tokens": 7}, {"max_tokens": 7}),
        ({"max_tokens": 7}, {"max_tokens": 7}),
    ],
)
def test_the_cap_goes_out_under_the_name_that_the_lane_knows(given: dict[str, int], sent: dict[str, int]) -> None:
    for cap, expected in (("max_tokens", sent), ("max_completion_tokens", given)):
        found = msgspec.json.decode(splice(body(**given), "x", output_cap=cap))
        assert {name: found[name] for name in found if name.startswith("max_")} == expected


def test_a_role_that_the_lane_does_not_know_is_the_only_thing_that_changes() -> None:
    text = (
        b'{"model":"m","messages":[{"role": "developer","content":"say \\"developer\\"","x":{"y": 1.0}},'
        b'{"role":"user","content":"hi"}]}'
    )
    sent = msgspec.json.decode(splice(text, "x", developer_role=False), type=dict[str, msgspec.Raw])
    assert bytes(sent["messages"]) == (
        b'[{"role":"system","content":"say \\"developer\\"","x":{"y": 1.0}},{"role":"user","content":"hi"}]'
    )
    assert b"developer" in splice(text, "x")
