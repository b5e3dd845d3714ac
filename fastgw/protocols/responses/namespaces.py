"""Tools under a common name: other dialects know flat names only, so `mcp__files` + `read` is `mcp__files__read` there.

Codex declares each MCP server as one such namespace (envoyproxy/ai-gateway pull request 2317, 2026-07).
"""

from collections.abc import Iterable

import msgspec

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.responses.wire import Function, Namespace

DIALECT = "responses"
_namespace = msgspec.json.Decoder(Namespace)
_nested = msgspec.json.Decoder(Function)


def flat(namespace: str | None, name: str) -> str:
    """One name for both."""
    if not namespace:
        return name
    return namespace + name if namespace.endswith("__") else f"{namespace}__{name}"


def split_names(tools: Iterable[Tool]) -> dict[str, tuple[str, str]]:
    """By each flat name its namespace and its name there."""
    found: dict[str, tuple[str, str]] = {}
    nesting = (tool.raw for tool in tools if tool.kind in {"function", "custom"} and tool.dialect == DIALECT)
    for raw in dict.fromkeys(nesting):
        namespace = _namespace.decode(raw)
        for nested in namespace.tools:
            name = _nested.decode(nested).name
            found[flat(namespace.name, name)] = (namespace.name, name)
    return found
