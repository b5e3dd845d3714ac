"""A provider's stream and whole answer as events: every oddity that compatible providers are known for."""

from typing import Any

import msgspec
import pytest

from fastgw.protocols.chat.dialect import DIALECT
from fastgw.protocols.chat.read import decode_answer
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import BlockStart, Delta, Event, Failed, Finish, Kind, LogProbs, StopReason, Used
from fastgw.protocols.hub.gather import Answer, gather
from fastgw.protocols.hub.sequence import ordered
from fastgw.usage import Usage
from tests.protocols.chat.ask import DONE, chunk, event, lane, read

USAGE = {"prompt_tokens": 9, "completion_tokens": 4}
COUNTED = Usage(in_text=9, out_text=4)


def answer(stream: bytes, **abilities: Any) -> Answer:
    return gather(read(stream, lane(**abilities)))


def blocks(found: Answer) -> list[tuple[Kind, str]]:
    return [(block.kind, block.text) for block in found.blocks]


def test_role_content_and_finish() -> None:
    found = answer(chunk(role="assistant", content="") + chunk(content="He") + chunk(content="y", finish="stop") + DONE)
    assert (blocks(found), found.finish().reason, found.id) == ([(Kind.TEXT, "Hey")], StopReason.END, "c")


def test_byte_by_byte_equals_whole() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": '{"k":"ä"}'}}
    stream = b"\xef\xbb\xbf: hi\n\n" + chunk(reasoning_content="h€") + chunk(content="😀x").replace(b"\n", b"\r\n")
    stream += b"event: message\ndata: " + chunk(tool_calls=[call])[6:] + chunk(finish="tool_calls") + DONE
    reader = DIALECT.reader(lane())
    assert ordered([e for byte in stream for e in reader.feed(bytes([byte]))]) == read(stream)
    assert blocks(answer(stream)) == [(Kind.REASONING, "h€"), (Kind.TEXT, "😀x"), (Kind.TOOL_CALL, '{"k":"ä"}')]


def test_data_of_several_lines_without_a_space_and_with_crlf() -> None:
    stream = b'data:{"choices":[{"delta":\r\ndata:{"content":"x"}}]}\r\n\r\ndata:[DONE]\r\n\r\n'
    assert blocks(answer(stream)) == [(Kind.TEXT, "x")]


def test_reasoning_and_content_in_one_delta_come_in_order() -> None:
    found = answer(chunk(content="t", reasoning="r", reasoning_content="r", finish="stop"))
    assert blocks(found) == [(Kind.REASONING, "r"), (Kind.TEXT, "t")]


def test_text_after_calls_is_a_block_of_its_own() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    found = answer(chunk(content="t") + chunk(tool_calls=[call]) + chunk(content="u") + DONE)
    assert blocks(found) == [(Kind.TEXT, "t"), (Kind.TOOL_CALL, "{}"), (Kind.TEXT, "u")]


def test_pieces_behind_the_finish_still_count() -> None:
    call = {"index": 0, "id": "a", "function": {"name": "f", "arguments": "{}"}}
    found = answer(chunk(finish="stop") + chunk(tool_calls=[call]) + DONE)
    assert (blocks(found), found.finish().reason) == ([(Kind.TOOL_CALL, "{}")], StopReason.TOOLS)


def test_arguments_that_are_an_object() -> None:
    stream = b'data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":'
    stream += b'{"name":"f","arguments":{"z": 1, "a": 1.50}}}]},"finish_reason":"tool_calls"}]}\n\n'
    assert blocks(answer(stream)) == [(Kind.TOOL_CALL, '{"z": 1, "a": 1.50}')]


@pytest.mark.parametrize(
    "stream",
    [
        chunk(content="x") + event({"choices": [], "usage": USAGE}) + DONE,
        chunk(content="x") + event({"usage": USAGE}) + DONE,
        event({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop"}], "usage": USAGE}),
        b"".join(event({"choices": [{"delta": {"content": c}}], "usage": USAGE | {"completion_tokens": n}})
                 for c, n in (("x", 1), ("", 4))) + DONE,
        event({"choices": [{"delta": {"content": "x"}, "finish_reason": "stop", "usage": USAGE}]}),
        chunk(content="x") + event({"choices": [], "x_groq": {"usage": USAGE}}) + DONE,
    ],
)  # fmt: skip
def test_usage_wherever_it_stands(stream: bytes) -> None:
    found = answer(stream)
    assert (found.usage, blocks(found)) == (COUNTED, [(Kind.TEXT, "x")])


def test_no_usage_at_all() -> None:
    assert answer(chunk(content="x", finish="stop") + DONE).usage is None


def test_azures_first_chunk_has_no_choices() -> None:
    first = event({"choices": [], "prompt_filter_results": [{"prompt_index": 0}]})
    assert blocks(answer(first + chunk(content="x", finish="stop") + DONE)) == [(Kind.TEXT, "x")]


def test_without_the_end_mark_a_finish_is_proof() -> None:
    reader = DIALECT.reader(lane())
    reader.feed(chunk(content="x"))
    assert not reader.complete
    reader.feed(chunk(1, content="y") + chunk(finish="stop"))
    assert not reader.complete, "the second choice is still open"
    reader.feed(chunk(1, finish="stop"))
    assert (reader.complete, reader.done) == (True, False)


def test_a_last_event_without_its_empty_line_counts_if_it_is_whole() -> None:
    assert answer(chunk(content="x") + chunk(finish="length").rstrip()).finish().reason is StopReason.LENGTH
    assert blocks(answer(chunk(content="x") + b'data: {"choices":[{"de')) == [(Kind.TEXT, "x")]


@pytest.mark.parametrize(
    "error",
    [
        {"error": {"message": "boom", "code": 500}},
        {"error": "boom"},
        {"object": "error", "message": "boom"},
        {"id": "x", "error": {"message": "boom"}, "choices": [{"delta": {"content": ""}, "finish_reason": "error"}]},
    ],
)
def test_an_error_with_status_200(error: Any) -> None:
    events = DIALECT.reader(lane()).feed(chunk(content="x") + event(error))
    assert isinstance(events[-1], Failed) and events[-1].message == "boom"


@pytest.mark.parametrize("word", ["error", "network_error", "insufficient_system_resource", "abort"])
def test_a_finish_that_is_a_failure(word: str) -> None:
    assert isinstance(DIALECT.reader(lane()).feed(chunk(finish=word))[-1], Failed)


@pytest.mark.parametrize("data", [b"data: <html>\n\n", DONE, b"data: 5\n\n"])
def test_what_is_no_stream_at_all(data: bytes) -> None:
    with pytest.raises(StreamBroken):
        DIALECT.reader(lane()).feed(data)


def test_thinking_in_tags_is_split_where_the_lane_has_that_quirk() -> None:
    stream = chunk(content="<thi") + chunk(content="nk>hm</think>") + chunk(content="\n\nyes", finish="stop") + DONE
    assert blocks(answer(stream, think_tags=True)) == [(Kind.REASONING, "hm"), (Kind.TEXT, "yes")]
    assert blocks(answer(stream)) == [(Kind.TEXT, "<think>hm</think>\n\nyes")]
    assert blocks(answer(chunk(content="<thi", finish="stop") + DONE, think_tags=True)) == [(Kind.TEXT, "<thi")]


def test_several_choices() -> None:
    stream = chunk(1, content="b") + chunk(0, content="a") + chunk(0, finish="stop") + chunk(1, finish="length") + DONE
    found = answer(stream)
    assert [[block.text for block in found.of(index)] for index in found.choices] == [["a"], ["b"]]
    assert [found.finish(index).reason for index in found.choices] == [StopReason.END, StopReason.LENGTH]


def test_log_probabilities_belong_to_their_text() -> None:
    tokens = [{"token": "x", "logprob": -0.5, "bytes": [120], "top_logprobs": []}]
    choice = {"index": 0, "delta": {"content": "x"}, "logprobs": {"content": tokens}, "finish_reason": "stop"}
    (found,) = [e for e in read(event({"choices": [choice]})) if isinstance(e, LogProbs)]
    assert msgspec.json.decode(found.tokens) == tokens


def test_a_wrong_type_somewhere_loses_that_field_only() -> None:
    odd = {"id": 5, "choices": [{"index": "0", "delta": {"content": "x", "refusal": 7}, "finish_reason": "stop"}]}
    assert blocks(answer(event(odd) + DONE)) == [(Kind.TEXT, "x")]


DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize("choice", [
    b'{"delta":{"content":"\xff"}}', b'{"delta":{"content":"x"},"stop_reason":' + DEEP + b"}",
    b'{"delta":{"tool_calls":[{"index":0,"function":{"name":"f","arguments":{"x":"\xff"}}}]}}',
    b'{"delta":{"reasoning_details":[{"type":"reasoning.text","text":"\xff"}]}}',
    b'{"delta":{"content":"x","annotations":[{"a":"\xff"}]}}', b'{"delta":{"x":' + DEEP + b"}}",
    b'{"delta":{"content":"x"},"logprobs":{"content":["\xff"]}}',
])  # fmt: skip
def test_broken_text_and_endless_nesting_break_the_answer_and_nothing_else(choice: bytes) -> None:
    body = b'{"choices":[' + choice + b"]}"
    reader = DIALECT.reader(lane())
    with pytest.raises(StreamBroken):
        reader.feed(b"data: " + body + b"\n\n")
    with pytest.raises(Unusable):
        decode_answer(body.replace(b"delta", b"message"), lane())


def whole(message: dict[str, Any], finish: str = "stop", **more: Any) -> list[Event]:
    choice = {"index": 0, "message": {"role": "assistant", **message}, "finish_reason": finish}
    return decode_answer(msgspec.json.encode({"id": "c", "choices": [choice], "usage": USAGE, **more}), lane())


def test_a_whole_answer() -> None:
    calls = [{"id": "a", "function": {"name": "f", "arguments": "{}"}}] * 2
    found = gather(ordered(whole({"content": "t", "reasoning_content": "r", "tool_calls": calls})))
    kinds = [Kind.REASONING, Kind.TEXT, Kind.TOOL_CALL, Kind.TOOL_CALL]
    assert [block.kind for block in found.blocks] == kinds
    assert (found.usage, found.finish().reason) == (COUNTED, StopReason.TOOLS)


def test_nothing_is_invented() -> None:
    assert whole({"content": None}) == [*whole({"content": ""})]
    assert not [e for e in whole({"content": ""}) if isinstance(e, BlockStart | Delta)]
    assert [e for e in whole({"content": ""}) if isinstance(e, Finish | Used)]


@pytest.mark.parametrize(
    "body", [b"", b"[]", b"<html>", b"{}", b'{"choices":[]}', b'{"error":{"message":"x"}}',
             b'{"choices":[{"message":{},"finish_reason":"error"}]}'],
)  # fmt: skip
def test_what_is_no_answer(body: bytes) -> None:
    with pytest.raises(Unusable):
        decode_answer(body, lane())
