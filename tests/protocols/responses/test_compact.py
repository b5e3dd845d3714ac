"""A history is summarised by the model: what it is asked, and what the caller gets."""

import msgspec

from fastgw.protocols.hub.conversation import ToolChoice, Turn
from fastgw.protocols.hub.events import Kind, Used
from fastgw.protocols.responses import compact
from fastgw.usage import Usage
from tests.conformance import spec
from tests.protocols.responses import open_spec
from tests.protocols.responses.kit import answer, block, decoded, setting

HISTORY = [
    {"role": "developer", "content": "d"},
    {"role": "user", "content": [{"type": "input_text", "text": "Look."}, {"type": "input_image", "image_url": "https://a/b"}]},
    {"type": "function_call", "call_id": "c", "name": "f", "arguments": "{}"},
    {"type": "function_call_output", "call_id": "c", "output": "42"},
    {"role": "user", "content": "Go on."},
]  # fmt: skip
TOOLS = [{"type": "function", "name": "f", "parameters": {}}]


def test_the_model_is_asked_at_the_end_and_may_call_nothing() -> None:
    conversation, _ = decoded(input=HISTORY, tools=TOOLS, stream=True, text={"format": {"type": "json_object"}},
                              max_output_tokens=9, tool_choice="required")  # fmt: skip
    made = compact.summarising(conversation)
    assert made.turns[:-1] == conversation.turns
    assert made.turns[-1] == Turn("user", made.turns[-1].parts, plain=True)
    assert (made.tool_choice, made.tools) == (ToolChoice("none"), conversation.tools)
    assert (made.stream, made.format, made.output_cap) == (False, None, 9)
    assert compact.summarising(decoded()[0]).tool_choice is None


def test_the_object() -> None:
    events = [*answer(block(0, Kind.REASONING, "hm"), block(1, Kind.TEXT, "It is ", "42.")), Used(Usage(9, out_text=4))]
    made = msgspec.json.decode(compact.render(events, setting(input=HISTORY)))
    assert made.pop("output_text") == "It is 42."
    spec.assert_valid(made, "CompactResource")
    open_spec.assert_valid(made, "CompactResource")
    assert [item["content"][0]["text"] for item in made["output"]] == [
        "Look.",
        "Go on.",
        f"{compact.PREFACE}\n\nIt is 42.",
    ]
    assert made["output"][0]["content"][1]["image_url"] == "https://a/b"
    assert (made["object"], made["usage"]["total_tokens"]) == ("response.compaction", 13)
    assert len({item["id"] for item in made["output"]}) == 3


def test_what_it_gives_back_is_a_question_again() -> None:
    made = msgspec.json.decode(compact.render(answer(block(0, Kind.TEXT, "s")), setting(input=HISTORY)))
    conversation, losses = decoded(input=made["output"])
    assert [turn.role for turn in conversation.turns] == ["user", "user", "user"]
    assert losses == ()
