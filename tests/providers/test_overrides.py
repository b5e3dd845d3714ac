"""Abilities as an operator writes them."""

import msgspec
import pytest

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.overrides import mistake, typed


def test_toml_values_become_what_the_fields_hold() -> None:
    told = typed({"efforts": ["low", "high"], "stop_max": 0, "temperature_max": 1, "extra": {"n": {"k": 1}}})
    assert told == {"efforts": ("low", "high"), "stop_max": 0, "temperature_max": 1.0,
                    "extra": {"n": msgspec.Raw(b'{"k":1}')}}  # fmt: skip
    assert msgspec.structs.replace(Abilities(), **told).efforts == ("low", "high")


@pytest.mark.parametrize(
    ("name", "value", "message", "remedy"),
    [
        ("image_inputs", True, "Unknown ability.", "Did you mean image_input?"),
        ("x", True, "Unknown ability.", "Known: "),
        ("image_input", "no", "Expected `bool`, got `str`.", "It is true by default."),
        ("efforts", ["ultra"], "Invalid enum value 'ultra'.", 'Known: "none", "minimal", "low", '),
        ("json_schema", "objekt", "Invalid enum value 'objekt'.", 'Known: "native", "object", "none".'),
        ("seed", 1, "Expected `str`, got `int`.", 'Known: "seed", "random_seed", "".'),
        ("lacks", "user", "Expected `array`, got `str`.", "It is [] by default."),
        ("output_max", -1, "Is negative.", "It is 0 by default."),
        ("temperature_max", -0.5, "Is negative.", "It is 2.0 by default."),
        ("extra", "x", "Expected `object`.", "It is {} by default."),
    ],
)
def test_mistakes(name: str, value: object, message: str, remedy: str) -> None:
    wrong = mistake(name, value)
    assert wrong is not None
    assert wrong[0] == message
    assert wrong[1].startswith(remedy)


def test_what_is_right_is_no_mistake() -> None:
    assert mistake("extra", {"a": 1}) is mistake("output_max", 5) is mistake("efforts", []) is None
