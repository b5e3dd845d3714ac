"""Numbers, the form of the answer, and the class of service."""

from typing import Any

import pytest

from fastgw.errors import GatewayError
from fastgw.protocols.converse.encode_settings import OBJECT_HINT, SCHEMA_HINT
from fastgw.protocols.hub.conversation import Format, Sampling, Thinking
from tests.protocols.converse.kit import asked, lane, sent


@pytest.mark.parametrize(
    ("said", "config", "lost"),
    [
        ({"temperature": 0}, {"temperature": 0}, ()),
        ({"temperature": 1.7}, {"temperature": 1.0}, ("temperature",)),
        ({"top_p": 0.5}, {"topP": 0.5}, ()),
        ({"temperature": 0.2, "top_p": 0.5}, {"temperature": 0.2}, ("top_p",)),
        ({"stop": ("a", " ", "b")}, {"stopSequences": ["a", "b"]}, ("stop",)),
        ({"seed": 0, "frequency_penalty": 0.5}, {}, ("seed", "frequency_penalty")),
        ({"presence_penalty": 0.0, "top_logprobs": 0}, {}, ()),
        ({"logprobs": False}, {}, ()),
        ({"logit_bias": '{"1":2}'}, {}, ("logit_bias",)),
    ],
)
def test_numbers(said: dict[str, Any], config: dict[str, Any], lost: tuple[str, ...]) -> None:
    body, losses = sent(asked(sampling=Sampling(**said)))
    assert body.get("inferenceConfig", {}) == config
    assert losses == lost


def test_top_k_goes_to_claude_and_nobody_else() -> None:
    question = asked(sampling=Sampling(top_k=5))
    assert sent(question)[0]["additionalModelRequestFields"] == {"top_k": 5}
    body, lost = sent(question, lane("bedrock"))
    assert ("additionalModelRequestFields" in body, lost) == (False, ("top_k",))


def test_a_lane_without_sampling() -> None:
    body, lost = sent(asked(sampling=Sampling(temperature=0.5, top_p=0.5, top_k=1)), lane(sampling=False))
    assert "inferenceConfig" not in body
    assert lost == ("temperature", "top_p", "top_k")


def test_while_claude_thinks_only_temperature_1_is_taken() -> None:
    thinking = Thinking(mode="on", budget_tokens=2_000)
    body, lost = sent(asked(thinking=thinking, sampling=Sampling(temperature=0.5, top_p=0.5, top_k=1)))
    assert set(body["inferenceConfig"]) == {"maxTokens"}
    assert lost == ("temperature", "top_p", "top_k")
    body, lost = sent(asked(thinking=thinking, sampling=Sampling(temperature=1)))
    assert body["inferenceConfig"]["temperature"] == 1


def test_several_answers_are_refused() -> None:
    with pytest.raises(GatewayError, match="one answer"):
        sent(asked(sampling=Sampling(n=2)))
    assert sent(asked(sampling=Sampling(n=1)))[1] == ()


def test_a_schema() -> None:
    form = Format("json_schema", "person", '{"type":"object","properties":{"n":{"type":"string"}}}', True, "who")
    body, lost = sent(asked(format=form))
    wanted = body["outputConfig"]["textFormat"]["structure"]["jsonSchema"]
    assert wanted["name"] == "person"
    assert wanted["description"] == "who"
    assert wanted["schema"] == '{"type":"object","properties":{"n":{"type":"string"}},"additionalProperties":false}'
    assert lost == ()


def test_what_stands_in_for_a_schema() -> None:
    form = Format("json_schema", "p", '{"type":"object"}')
    body, lost = sent(asked(format=form), lane(json_schema="none"))
    assert body["system"] == [{"text": SCHEMA_HINT + '{"type":"object"}'}]
    assert lost == ("response_format",)
    assert sent(asked(format=Format("json_object")))[0]["system"] == [{"text": OBJECT_HINT}]
    assert "system" not in sent(asked(format=Format("text")))[0]
