"""Compaction as a dialect: verbatim where the provider compacts, a summary everywhere else."""

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import ToolChoice
from fastgw.protocols.hub.dialect import FromPath, Unusable
from fastgw.protocols.hub.events import Kind
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.responses.compaction import DIALECT
from fastgw.usage import Usage
from tests.conformance import spec
from tests.protocols.responses.kit import answer, asked, block, fields, lane, setting

TOOLS = [{"type": "function", "name": "f", "parameters": {}}]
USAGE = {"input_tokens": 5, "output_tokens": 2, "total_tokens": 7}


def test_it_never_streams() -> None:
    given = fields(stream=True)
    seen = DIALECT.peek(given, FromPath())
    assert not seen.stream
    assert "stream" not in msgspec.json.decode(DIALECT.splice(given, seen, lane()))
    with pytest.raises(Unusable):
        DIALECT.reader(lane())


def test_another_provider_is_asked_for_a_summary_which_is_answered_as_a_compaction() -> None:
    given = fields(tools=TOOLS)
    conversation = DIALECT.decode_request(given, FromPath(), Losses())
    assert (len(conversation.turns), conversation.tool_choice) == (2, ToolChoice("none"))
    known = msgspec.structs.replace(setting(tools=TOOLS), conversation=conversation)
    made = msgspec.json.decode(DIALECT.encode_answer(answer(block(0, Kind.TEXT, "In short.")), known))
    assert made.pop("output_text") == "In short."
    spec.assert_valid(made, "CompactResource")
    assert [item["content"][0]["text"][-9:] for item in made["output"]] == ["Hello", "In short."]


def test_a_providers_own_gets_its_text_at_the_top_too() -> None:
    body = {"id": "resp_1", "object": "response.compaction", "usage": USAGE, "output": [
        {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "u"}]},
        {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "s"}]},
        {"type": "compaction", "encrypted_content": "x"},
    ]}  # fmt: skip
    reading = DIALECT.read_answer(msgspec.json.encode(body))
    assert (reading.valid, reading.usage) == (True, Usage(in_text=5, out_text=2))
    assert reading.instead is not None
    assert msgspec.json.decode(reading.instead) == body | {"output_text": "s"}
    again = DIALECT.read_answer(reading.instead)
    assert (again.valid, again.instead) == (True, None)
    assert not DIALECT.read_answer(b"{}").valid


def test_nobody_else_is_led_there() -> None:
    with pytest.raises(GatewayError):
        DIALECT.encode_request(asked(), lane(), Losses())
    with pytest.raises(Unusable):
        DIALECT.decode_answer(b"{}", lane())
