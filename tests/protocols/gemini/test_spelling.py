"""Two spellings of a field are one, where a field of the wire stands."""

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.protocols.gemini import wire
from fastgw.protocols.gemini.spelling import camel, respelled, top

NAMES = st.sampled_from(["inline_data", "inlineData", "mime_type", "text", "args", "function_call", "x_y", "parts"])
VALUES = st.recursive(
    st.one_of(st.none(), st.integers(), st.text(max_size=3)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(NAMES, inner, max_size=3)),
    max_leaves=8,
)


def test_known_fields_are_respelled_and_names_of_the_caller_are_not() -> None:
    raw = b'[{"parts":[{"inline_data":{"mime_type":"a","x_y":1},"part_metadata":{"mime_type":2}},'
    raw += b'{"function_call":{"args":{"inline_data":{ "b":1.0 }}}}]}]'
    assert respelled(raw, wire.Content) == (
        b'[{"parts":[{"inlineData":{"mimeType":"a","x_y":1},"partMetadata":{"mime_type":2}},'
        b'{"functionCall":{"args":{"inline_data":{ "b":1.0 }}}}]}]'
    )


def test_media_inside_a_result_are_respelled_too() -> None:
    raw = b'{"function_response":{"response":{"file_data":1},"parts":[{"file_data":{"file_uri":"x"}}]}}'
    assert respelled(raw, wire.Part) == (
        b'{"functionResponse":{"response":{"file_data":1},"parts":[{"fileData":{"fileUri":"x"}}]}}'
    )


def test_what_needs_nothing_is_the_same_bytes() -> None:
    raw = b' { "parts" : [ {"text":"a_b: \\"c_d\\": x"} ] } '
    assert respelled(raw, wire.Content) is not None
    assert respelled(b'{"parts": 1.0}', wire.Content) == b'{"parts": 1.0}'
    assert respelled(b"{broken_json", wire.Content) == b"{broken_json"


@settings(max_examples=60, deadline=None)
@given(VALUES)
def test_it_is_done_once_and_keeps_every_value(value: object) -> None:
    once = respelled(msgspec.json.encode(value), wire.Content)
    assert respelled(once, wire.Content) == once

    def leaves(node: object) -> list[object]:
        if isinstance(node, dict):
            return [leaf for each in node.values() for leaf in leaves(each)]
        return [leaf for each in node for leaf in leaves(each)] if isinstance(node, list) else [node]

    if "_" not in str(value):
        assert leaves(msgspec.json.decode(once)) == leaves(value)


def test_the_top_level() -> None:
    raw = msgspec.Raw(b"1")
    assert top({"system_instruction": raw, "my_own": raw}) == {"systemInstruction": raw, "my_own": raw}
    assert camel("inline_data") == "inlineData"
    assert camel("inlineData") == "inlineData"
