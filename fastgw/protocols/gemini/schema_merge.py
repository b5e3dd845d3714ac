"""`allOf` in JSON Schema as one node: what all its members demand at once."""

from collections.abc import Callable
from typing import Any

DEPTH_MAX = 16


def merged(
    node: dict[str, Any], followed: Callable[[dict[str, Any]], dict[str, Any]] = lambda each: each, depth: int = 0
) -> dict[str, Any]:
    """`node` with its `allOf` folded in. `followed` resolves a member's `$ref`.

    Properties and required names are joined; of two values for another keyword the one nearer to the node stands.
    """
    members = node.get("allOf")
    if not isinstance(members, list) or depth > DEPTH_MAX:
        return {key: value for key, value in node.items() if key != "allOf"} if depth > DEPTH_MAX else node
    made = {key: value for key, value in node.items() if key != "allOf"}
    for member in members:
        if not isinstance(member, dict):
            continue
        for key, value in merged(followed(member), followed, depth + 1).items():
            if key == "properties" and isinstance(value, dict) and isinstance(made.get(key), dict):
                made[key] = {**value, **made[key]} if depth else {**made[key], **value}
            elif key == "required" and isinstance(value, list) and isinstance(made.get(key), list):
                made[key] = [*made[key], *(name for name in value if name not in made[key])]
            else:
                made.setdefault(key, value)
    return made
