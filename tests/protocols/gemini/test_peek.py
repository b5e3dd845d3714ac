"""What is read first, and the body that a provider of the same dialect gets."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.gemini.seals import DUMMY, carried
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.sealed import Sealed
from tests.protocols.gemini.kit import TARGET, USER, able, fields_of

SEEN = Peek("m", stream=True)
SAID = FromPath("m", stream=True)


def peek(body: Any, said: FromPath = SAID) -> Peek:
    return DIALECT.peek(fields_of(body), said)


def spliced(body: Any, **abilities: Any) -> Any:
    return msgspec.json.decode(DIALECT.splice(fields_of(body), SEEN, able(**abilities)))


def test_the_path_names_the_model_and_the_stream() -> None:
    assert peek({"contents": USER}) == Peek("m", stream=True)
    assert peek({"contents": USER, "model": "models/other"}).model == "m"
    assert peek({"contents": USER, "model": "models/other"}, FromPath()).model == "other"


@pytest.mark.parametrize("config", ["generationConfig", "generation_config"])
def test_the_cap_and_the_choices(config: str) -> None:
    said = {"contents": USER, config: {"maxOutputTokens": "7", "candidate_count": 3}}
    assert peek(said) == Peek("m", True, 7, 3)
    assert peek({"generateContentRequest": said}) == Peek("m", True, 7, 3)
    assert peek({"contents": USER, config: None}) == Peek("m", True, 0, 1)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({}, "contents"),
        ({"contents": []}, "contents"),
        ({"contents": None}, "contents"),
        ({"contents": USER, "generationConfig": 5}, "generationConfig"),
        ({"contents": USER, "generationConfig": {"maxOutputTokens": -1}}, "generationConfig.maxOutputTokens"),
        ({"contents": USER, "generationConfig": {"candidateCount": 10**9}}, "generationConfig.candidateCount"),
        ({"contents": USER, "generationConfig": {"candidateCount": "x"}}, "generationConfig.candidateCount"),
    ],
)
def test_mistakes_are_named(body: Any, param: str) -> None:
    with pytest.raises(GatewayError) as caught:
        peek(body)
    assert caught.value.param == param


def test_no_model_at_all_is_refused() -> None:
    with pytest.raises(GatewayError):
        peek({"contents": USER}, FromPath())


def test_the_body_is_left_alone() -> None:
    body = b'{"contents":[{"parts":[{"text" : "\\u0041 1.50"}]}],"unknown":{ "a":1.0e2 }}'
    assert DIALECT.splice(fields_of(body), SEEN, TARGET) == body


def test_a_model_in_the_body_agrees_with_the_path() -> None:
    assert spliced({"contents": USER, "model": "models/alias"})["model"] == "models/gemini-x"
    inner = spliced({"generateContentRequest": {"model": "models/alias", "contents": USER}})["generateContentRequest"]
    assert inner == {"model": "models/gemini-x", "contents": USER}


def test_fields_of_the_lane_yield_to_the_callers() -> None:
    extra = {"labels": msgspec.Raw(b"{}"), "safetySettings": msgspec.Raw(b"[]")}
    body = spliced({"contents": USER, "labels": {"a": "b"}}, extra=extra)
    assert body == {"contents": USER, "labels": {"a": "b"}, "safetySettings": []}


@pytest.mark.parametrize("name", ["thoughtSignature", "thought_signature"])
def test_signatures_of_another_family_do_not_reach_google(name: str) -> None:
    seal = carried(Sealed("anthropic", "x"))
    call = {"functionCall": {"name": "f", "args": {}}}
    body = {
        "contents": [
            *USER,
            {"role": "model", "parts": [{"text": "", "thought": True, name: seal}]},
            {"role": "model", "parts": [{"text": "t", "thought": True, name: seal}, {**call, name: seal}]},
            {"role": "model", "parts": [{"text": "a", name: "b3du"}, {"text": "b", name: seal}]},
        ]
    }
    assert spliced(body)["contents"] == [
        *USER,
        {"role": "model", "parts": [call]},
        {"role": "model", "parts": [{"text": "a", name: "b3du"}, {"text": "b"}]},
    ]
    assert spliced(body, signatures_demanded=True)["contents"][1]["parts"] == [{**call, name: DUMMY}]
