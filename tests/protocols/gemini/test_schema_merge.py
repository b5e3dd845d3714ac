"""All members of an `allOf` as one node."""

from fastgw.protocols.gemini.schema_merge import DEPTH_MAX, merged


def test_properties_and_required_names_are_joined_and_the_outer_value_stands() -> None:
    node = {
        "description": "outer",
        "properties": {"a": 1},
        "required": ["a"],
        "allOf": [{"description": "inner", "properties": {"b": 2}, "required": ["a", "b"], "minimum": 1}],
    }
    assert merged(node) == {
        "description": "outer", "properties": {"a": 1, "b": 2}, "required": ["a", "b"], "minimum": 1,
    }  # fmt: skip


def test_members_are_followed() -> None:
    assert merged({"allOf": [{"$ref": "x"}]}, lambda node: {"type": "string"} if "$ref" in node else node) == {
        "type": "string"
    }


def test_a_circle_ends() -> None:
    circle: dict[str, object] = {"type": "object", "allOf": [{"ref": 1}]}
    calls = 0

    def followed(node: dict[str, object]) -> dict[str, object]:
        nonlocal calls
        calls += 1
        return circle

    assert merged(circle, followed) == {"type": "object"}
    assert calls <= DEPTH_MAX + 1


def test_a_node_without_members_is_itself() -> None:
    node = {"type": "string", "allOf": "odd"}
    assert merged(node) is node
