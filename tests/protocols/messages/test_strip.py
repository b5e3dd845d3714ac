"""Seals of other families stay behind where the caller's own bytes go to a provider."""

import json
from typing import Any

import msgspec
import pytest

from fastgw.protocols import toplevel
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.messages.seals import carried
from fastgw.protocols.messages.strip import stripped
from tests.protocols.messages.lane import lane

CALL = {"type": "tool_use", "id": "toolu_1", "name": "f", "input": {"a": 1.0}}
RESULT = {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": "ok"}]}
OWN = {"type": "thinking", "thinking": "hm", "signature": "c2VhbA=="}
FOREIGN = {"type": "thinking", "thinking": "hm", "signature": "fgw1.openai.x"}


def left(*content: Any, more: dict[str, Any] | None = None, **abilities: Any) -> Any:
    """The request after an answer with that content."""
    messages = [{"role": "user", "content": "hi"}, {"role": "assistant", "content": list(content)}, RESULT]
    body = json.dumps({"model": "m", "messages": messages, **(more or {})}).encode()
    return {
        name: json.loads(bytes(raw)) for name, raw in stripped(toplevel.decode(body, 64), lane(**abilities)).items()
    }


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (OWN, OWN),
        (FOREIGN, None),
        ({"type": "thinking", "thinking": "hm", "signature": "fgw1.anthropic.x"}, OWN | {"signature": "x"}),
        ({"type": "thinking", "thinking": "hm", "signature": ""}, None),
        ({"type": "thinking", "thinking": "", "signature": "c2VhbA=="}, OWN | {"thinking": ""}),
        ({"type": "redacted_thinking", "data": "fgw1.openai.x"}, None),
        ({"type": "redacted_thinking", "data": carried(Sealed("gemini", "x"), ahead=True)}, None),
        ({"type": "redacted_thinking", "data": carried(Sealed("gemini", "x"), ahead=False)}, None),
        ({"type": "redacted_thinking", "data": "EmwKAhgB"}, {"type": "redacted_thinking", "data": "EmwKAhgB"}),
        ({"type": "text", "text": '"fgw1.openai.x"'}, {"type": "text", "text": '"fgw1.openai.x"'}),
    ],
)
def test_only_what_the_family_made_is_sent(given: dict[str, Any], kept: dict[str, Any] | None) -> None:
    assert left(given, CALL)["messages"][1]["content"] == [*([kept] if kept else []), CALL]


def test_what_is_not_signed_goes_back_where_it_is_wanted() -> None:
    unsigned = {"type": "thinking", "thinking": "hm", "signature": ""}
    assert left(unsigned, CALL, echo_reasoning="kept")["messages"][1]["content"] == [unsigned, CALL]


def test_no_message_is_left_empty() -> None:
    body = {"model": "m", "messages": [{"role": "user", "content": "hi"}, {"role": "assistant", "content": [FOREIGN]}]}
    fields = stripped(toplevel.decode(json.dumps(body).encode(), 64), lane())
    assert json.loads(bytes(fields["messages"])) == body["messages"][:1]


def test_a_budget_is_not_asked_for_where_the_message_has_lost_its_reasoning() -> None:
    thinking = {"thinking": {"type": "enabled", "budget_tokens": 1024}}
    assert "thinking" not in left(FOREIGN, CALL, more=thinking, reasoning="budget")
    assert "thinking" in left(FOREIGN, CALL, more=thinking)
    assert "thinking" in left(OWN, FOREIGN, CALL, more=thinking, reasoning="budget")


@pytest.mark.parametrize(("family", "kept"), [("anthropic", 3), ("deepseek", 2)])
def test_the_block_that_differs_each_time_goes_to_anthropic_alone(family: str, kept: int) -> None:
    system = ["x-anthropic-billing-header: cc_version=1;", "a", "b x-anthropic-billing-header:"]
    body = {"system": [{"type": "text", "text": text} for text in system], "messages": []}
    target = msgspec.structs.replace(lane(), family=family)
    fields = stripped(toplevel.decode(json.dumps(body).encode(), 64), target)
    assert json.loads(bytes(fields["system"])) == body["system"][-kept:]
    alone = toplevel.decode(json.dumps({"system": body["system"][:1]}).encode(), 64)
    assert ("system" in stripped(alone, target)) == (family == "anthropic")


@pytest.mark.parametrize("system", ['"x-anthropic-billing-header: a"', '["x-anthropic-billing-header: a"]'])
def test_other_forms_of_instructions_stay(system: str) -> None:
    fields = toplevel.decode(b'{"system":' + system.encode() + b"}", 64)
    assert stripped(fields, msgspec.structs.replace(lane(), family="deepseek")) is fields


@pytest.mark.parametrize(
    ("user", "kept"),
    [("user_1-a", True), ('{"device_id":"a"}', False), ("u" * 129, False), ("a@example.org", False)],
)
def test_user_ids_are_of_a_form_that_everybody_takes(user: str, kept: bool) -> None:
    fields = toplevel.decode(json.dumps({"metadata": {"user_id": user, "x": 1}}).encode(), 64)
    assert stripped(fields, lane()) is fields
    target = msgspec.structs.replace(lane(), family="deepseek")
    sent = json.loads(bytes(stripped(fields, target)["metadata"]))
    assert (sent["user_id"] == user, sent["x"]) == (kept, 1)
    assert kept or len(sent["user_id"]) == 64
    assert stripped(fields, target) == stripped(fields, target)


@pytest.mark.parametrize("metadata", ["null", "1", '{"user_id":1}', "{}"])
def test_other_metadata_stays(metadata: str) -> None:
    fields = toplevel.decode(b'{"metadata":' + metadata.encode() + b"}", 64)
    assert stripped(fields, msgspec.structs.replace(lane(), family="deepseek")) is fields


def test_every_other_byte_stays() -> None:
    body = (
        b'{"messages":[ {"role":"user","content":"a\\u0062"},{"role":"assistant","content":[{"x": 1.0},'
        b'{"type":"thinking","signature":"fgw1.gemini.x"}]}]}'
    )
    assert bytes(stripped(toplevel.decode(body, 64), lane())["messages"]) == (
        b'[{"role":"user","content":"a\\u0062"},{"role":"assistant","content":[{"x":1.0}]}]'
    )


@pytest.mark.parametrize(
    "messages", ["1", '[1,"fgw1."]', '[{"content":["fgw1."]}]', '[{"content":[{"fgw1.":1}]}]', "[]"]
)
def test_what_is_wrong_in_another_way_is_left_alone(messages: str) -> None:
    fields = toplevel.decode(b'{"messages":' + messages.encode() + b"}", 64)
    assert stripped(fields, lane()) is fields
