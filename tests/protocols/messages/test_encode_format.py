"""Forms of an answer."""

import json
from typing import Any

import pytest

from fastgw.protocols.hub.conversation import Format
from tests.protocols.messages.lane import asked, lane, sent

SCHEMA = '{"type":"object","properties":{"a":{"type":"integer","minimum":1}}}'


def formed(form: Format, origin: str = "chat", **abilities: Any) -> tuple[Any, Any, tuple[str, ...]]:
    body, lost = sent(asked(format=form, origin=origin), lane(**abilities))
    return body.get("output_config"), body.get("system"), lost


def test_a_schema_is_sent_as_the_api_takes_it() -> None:
    config, system, lost = formed(Format("json_schema", "n", SCHEMA))
    assert config["format"]["type"] == "json_schema"
    assert config["format"]["schema"]["additionalProperties"] is False
    assert "minimum" not in config["format"]["schema"]["properties"]["a"]
    assert (system, lost) == (None, ())
    assert formed(Format("json_schema", "n", SCHEMA, description="d"))[2] == ("response_format.description",)


def test_a_schema_of_this_dialect_is_left_alone() -> None:
    config, _, _ = formed(Format("json_schema", schema=SCHEMA), "messages")
    assert config["format"]["schema"] == json.loads(SCHEMA)


@pytest.mark.parametrize("ability", ["object", "none"])
def test_words_stand_in_for_a_schema(ability: str) -> None:
    config, system, lost = formed(Format("json_schema", schema=SCHEMA), json_schema=ability)
    assert config is None
    assert system[0]["text"].endswith(SCHEMA)
    assert lost == ("response_format",)


def test_words_ask_for_an_object() -> None:
    config, system, lost = formed(Format("json_object"))
    assert config is None
    assert "JSON object" in system[0]["text"]
    assert lost == ()
    assert formed(Format("json_schema"))[:2] == (None, system)


def test_text_is_nothing_to_ask_for() -> None:
    assert formed(Format("text")) == (None, None, ())
