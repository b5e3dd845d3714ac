"""What is read before anything else, and the splice: nested bytes stay, foreign seals do not."""

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.hub.sealed import Sealed, tagged
from fastgw.protocols.hub.target import Abilities, Target
from fastgw.protocols.responses import peek
from fastgw.protocols.responses.seals import UNSEALED
from tests.protocols.responses.kit import fields, lane


def test_what_is_read() -> None:
    seen = peek.peek(fields(stream=True, max_output_tokens=9, store=False))
    assert (seen.model, seen.stream, seen.output_cap, seen.choices) == ("m", True, 9, 1)
    assert (seen.wants_usage, seen.sticky, seen.pinned) == (True, False, False)


def test_null_is_unsaid() -> None:
    seen = peek.peek(fields(stream=None, max_output_tokens=None, previous_response_id=None))
    assert (seen.stream, seen.output_cap, seen.pinned) == (False, 0, False)


@pytest.mark.parametrize(
    ("given", "sticky", "pinned"),
    [
        ({"store": True}, True, False),
        ({"store": False, "include": ["reasoning.encrypted_content"]}, True, False),
        ({"previous_response_id": "resp_1"}, True, True),
        ({"conversation": {"id": "conv_1"}}, True, True),
        ({"input": [{"type": "item_reference", "id": "msg_1"}]}, True, True),
        ({"input": '"item_reference"', "store": False}, False, False),
    ],
)
def test_what_a_provider_keeps_decides_the_lane(given: dict[str, object], sticky: bool, pinned: bool) -> None:
    seen = peek.peek(fields(**given))
    assert (seen.sticky, seen.pinned) == (sticky, pinned)


@pytest.mark.parametrize("name", ["previous_response_id", "conversation", "prompt"])
def test_the_question_may_be_kept_by_the_provider(name: str) -> None:
    body = fields(**{name: "x"})
    del body["input"]
    assert peek.peek(body).model == "m"


@pytest.mark.parametrize(
    ("given", "param"),
    [
        ({"input": []}, "input"),
        ({"input": ""}, "input"),
        ({"input": 5}, "input"),
        ({"input": None}, "input"),
        ({"model": ""}, "model"),
        ({"stream": "yes"}, "stream"),
        ({"store": 1}, "store"),
        ({"max_output_tokens": -1}, "max_output_tokens"),
        ({"model": "m", "input": "hi", "background": True}, "background"),
        ({"model": "m", "input": "hi", "background": 1}, "background"),
    ],
)
def test_mistakes_are_named(given: dict[str, object], param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        peek.peek(fields(**given))
    assert caught.value.param == param


def test_splice_changes_the_model_alone() -> None:
    given = fields(input=[{"role": "user", "content": "hi"}])
    given["metadata"] = msgspec.Raw(b'{ "a" :1.0, "b":[ ] }')
    made = peek.splice(given, lane())
    assert b'"metadata":{ "a" :1.0, "b":[ ] }' in made
    assert msgspec.json.decode(made) == {"model": "gpt", "input": [{"role": "user", "content": "hi"}],
                                         "metadata": {"a": 1.0, "b": []}}  # fmt: skip
    assert bytes(given["model"]) == b'"m"'


def test_extra_fields_of_the_lane_yield_to_the_callers() -> None:
    target = lane(extra={"store": msgspec.Raw(b"false"), "x": msgspec.Raw(b"1")})
    made = msgspec.json.decode(peek.splice(fields(store=True), target))
    assert (made["store"], made["x"]) == (True, 1)


def test_a_model_that_only_the_path_may_name() -> None:
    assert "model" not in msgspec.json.decode(peek.splice(fields(), lane(model_in_body=False)))


def test_seals_of_other_families_are_stripped_and_own_ones_untagged() -> None:
    xai = Target("grok", "responses", family="xai", abilities=Abilities())
    reasoning = {"type": "reasoning", "summary": []}
    items = [
        {"role": "user", "content": 'a text with "fgw1.xai. in it'},
        reasoning | {"id": "rs_1", "encrypted_content": tagged(Sealed("anthropic", "A"), "openai")},
        reasoning | {"id": "rs_2", "encrypted_content": tagged(Sealed("xai", "X"), "openai")},
        reasoning | {"id": "rs_3", "encrypted_content": "bare"},
        reasoning | {"id": "rs_4", "encrypted_content": UNSEALED},
    ]
    made = msgspec.json.decode(peek.splice(fields(input=items), xai))["input"]
    assert made == [items[0], {"type": "reasoning", "summary": [], "encrypted_content": "X"}, items[3]]


def test_a_text_that_looks_like_a_seal_stays() -> None:
    assert msgspec.json.decode(peek.splice(fields(input='"fgw1.a.b'), lane()))["input"] == '"fgw1.a.b'
