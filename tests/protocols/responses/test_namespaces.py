"""Two names are one elsewhere, and two again on the way back."""

import pytest

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.responses.namespaces import flat, split_names

RAW = (
    '{"type":"namespace","name":"mcp__x","description":"",'
    '"tools":[{"type":"function","name":"a"},{"type":"custom","name":"b"}]}'
)


@pytest.mark.parametrize(
    ("namespace", "name", "wanted"),
    [(None, "f", "f"), ("", "f", "f"), ("n", "f", "n__f"), ("mcp__x__", "f", "mcp__x__f")],
)
def test_flat(namespace: str | None, name: str, wanted: str) -> None:
    assert flat(namespace, name) == wanted


def test_long_names_stay_different_and_short() -> None:
    names = {flat("mcp__" + "x" * 50, f"{'read' * 5}_{number}") for number in range(20)}
    assert len(names) == 20
    assert {len(name) for name in names} == {64}


def test_split() -> None:
    tools = [
        Tool("function", "mcp__x__a", dialect="responses", raw=RAW),
        Tool("custom", "mcp__x__b", dialect="responses", raw=RAW),
        Tool("function", "g", dialect="responses", raw='{"type":"function","name":"g","defer_loading":true}'),
        Tool("function", "i", dialect="responses", raw='{"type":"function","name":"i","tools":[{}]}'),
        Tool("function", "h", dialect="gemini", raw='{"name":"h","tools":5}'),
        Tool("opaque", "mcp", dialect="responses", raw='{"type":"mcp"}'),
    ]
    assert split_names(tools) == {"mcp__x__a": ("mcp__x", "a"), "mcp__x__b": ("mcp__x", "b")}
