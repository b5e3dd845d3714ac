"""Answers through the dialect and back: the SDK makes the same message of both; and its names."""

import pytest

from fastgw.protocols.hub.dialect import CallerDialect, ProviderDialect
from fastgw.protocols.hub.sequence import Sequence, ordered
from fastgw.protocols.messages.dialect import DIALECT
from tests.protocols.messages import answers as made
from tests.protocols.messages import sdk
from tests.protocols.messages.lane import WHOLE, asked, heard, sent, setting

CALLER: CallerDialect = DIALECT
PROVIDER: ProviderDialect = DIALECT

CITED = {
    "type": "page_location", "cited_text": "c", "document_index": 0, "document_title": None, "start_page_number": 1,
    "end_page_number": 2,
}  # fmt: skip
STREAM = made.frames(
    made.begun(cache_read_input_tokens=3),
    *made.thinking(0, "hm", "s"),
    *made.block(1, {"type": "redacted_thinking", "data": "d"}),
    *made.block(
        2, {"type": "text", "text": "", "citations": []}, {"type": "text_delta", "text": "Hällo"},
        {"type": "citations_delta", "citation": CITED},
    ),
    *made.block(
        3, {"type": "server_tool_use", "id": "srvtoolu_1", "name": "web_search", "input": {}},
        {"type": "input_json_delta", "partial_json": '{"query":"x"}'},
    ),
    *made.block(4, {"type": "web_search_tool_result", "tool_use_id": "srvtoolu_1", "content": []}),
    *made.tool(5, "f", '{"a":', "1}"),
    *made.ended("tool_use", output_tokens_details={"thinking_tokens": 2}),
)  # fmt: skip


def translated(data: bytes, size: int = 1 << 20) -> bytes:
    """The stream through reader, sequence and writer, fed in pieces."""
    reader, sequence, writer = PROVIDER.reader(WHOLE), Sequence(), CALLER.writer(setting())
    out = b""
    for at in range(0, len(data), size):
        out += writer.write(sequence.order(reader.feed(data[at : at + size])))
    out += writer.write([*sequence.order(reader.end()), *sequence.end()])
    assert reader.complete
    return out + writer.end()


@pytest.mark.parametrize("size", [1, 50, 1 << 20])
def test_a_stream_through_the_hub_is_the_same_message(size: int) -> None:
    out = translated(STREAM, size)
    sdk.assert_invariants(out)
    one, other = sdk.accumulated(STREAM), sdk.accumulated(out)
    assert other.content == one.content
    assert (other.stop_reason, other.id, other.model) == ("tool_use", "msg_01JX", "as-asked")
    assert (other.usage.input_tokens, other.usage.output_tokens, other.usage.cache_read_input_tokens) == (9, 30, 3)


def test_a_whole_answer_through_the_hub_is_the_same_message() -> None:
    one = sdk.accumulated(STREAM)
    body = one.model_dump_json(exclude_none=True).encode()
    other = sdk.message(CALLER.encode_answer(ordered(PROVIDER.decode_answer(body, WHOLE)), setting()))
    assert other.content == one.content
    assert (other.stop_reason, other.usage.output_tokens) == ("tool_use", 30)


def test_what_the_assistant_said_can_be_sent_back() -> None:
    message = sdk.accumulated(translated(STREAM))
    turns = [
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": [block.model_dump(exclude_none=True) for block in message.content]},
        {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_f", "content": "r"}]},
    ]
    body, _ = sent(heard({"messages": turns})[0], WHOLE)
    assert [block["type"] for block in body["messages"][1]["content"]] == [block.type for block in message.content]


def test_the_names() -> None:
    assert (DIALECT.name, DIALECT.family) == ("messages", "anthropic")
    assert sent(asked())[0]["messages"] == [{"role": "user", "content": [{"type": "text", "text": "hello"}]}]
    assert DIALECT.tap(hide_usage=True).feed(STREAM) == STREAM
    assert DIALECT.read_answer(made.whole()).valid
    assert DIALECT.usage_in_tail(made.whole()) is not None
