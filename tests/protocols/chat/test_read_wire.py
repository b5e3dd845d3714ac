"""Reading chunks: typed where they are as OpenAI has them, loosely where they are not."""

import msgspec
import pytest

from fastgw.protocols.chat.read_wire import Call, Function, read_chunk


def test_a_typed_chunk() -> None:
    chunk = read_chunk(b'{"id":"c","choices":[{"index":0,"delta":{"content":"x"},"finish_reason":null}],"odd":1}')
    assert chunk.choices is not None and chunk.choices[0].delta is not None
    assert (chunk.id, chunk.choices[0].delta.content) == ("c", "x")


def test_fields_of_a_wrong_type_are_absent_and_the_rest_stays() -> None:
    chunk = read_chunk(
        b'{"id":7,"created":"now","usage":[],"choices":[{"index":"0","delta":{"content":"x","reasoning":{}},'
        b'"logprobs":5,"finish_reason":1}]}'
    )
    assert (chunk.id, chunk.created, chunk.usage) == (None, None, None)
    assert chunk.choices is not None
    choice = chunk.choices[0]
    assert choice.delta is not None
    assert (choice.delta.content, choice.delta.reasoning, choice.finish_reason) == ("x", None, None)


def test_calls_whose_arguments_are_no_text() -> None:
    chunk = read_chunk(
        b'{"choices":[{"delta":{"tool_calls":[{"index":0,"id":5,"function":{"name":"f","arguments":{ "a" : 1.0 }}},'
        b'{"index":"1","function":{"name":"g","arguments":"{}"}},{"function":{"name":"h"}},{"index":2}]}}]}'
    )
    assert chunk.choices is not None and chunk.choices[0].delta is not None
    assert chunk.choices[0].delta.tool_calls == [
        Call(0, "5", Function("f", '{ "a" : 1.0 }')),
        Call(None, "", Function("g", "{}")),
        Call(None, "", Function("h", "")),
        Call(2, ""),
    ]


@pytest.mark.parametrize("data", [b"", b"[]", b"5", b"<html>", b'{"choices":', b'"x"'])
def test_what_is_no_object(data: bytes) -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_chunk(data)


def test_choices_that_are_no_list() -> None:
    with pytest.raises(msgspec.MsgspecError):
        read_chunk(b'{"choices":5}')
