"""Tools under a common name: other dialects know flat names only, so `mcp__files` + `read` is `mcp__files__read` there.

Codex declares each MCP server as one such namespace (envoyproxy/ai-gateway pull request 2317, 2026-07).
"""

import hashlib
from collections.abc import Iterable

import msgspec

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.responses.wire import Function, Namespace

DIALECT = "responses"
NAME_CHARS_MAX = 64
"""Of a function's name in chat and Gemini (API references, 2026-08)."""
_DIGEST_CHARS = 12


class _Kind(msgspec.Struct):
    type: str = ""


_kind = msgspec.json.Decoder(_Kind)
_namespace = msgspec.json.Decoder(Namespace)
_nested = msgspec.json.Decoder(Function)


def flat(namespace: str | None, name: str) -> str:
    """One name for both. The end of a longer one than every dialect takes becomes a digest."""
    if not namespace:
        return name
    whole = namespace + name if namespace.endswith("__") else f"{namespace}__{name}"
    if len(whole) <= NAME_CHARS_MAX:
        return whole
    digest = hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()[:_DIGEST_CHARS]
    return f"{whole[: NAME_CHARS_MAX - _DIGEST_CHARS - 1]}_{digest}"


def split_names(tools: Iterable[Tool]) -> dict[str, tuple[str, str]]:
    """By each flat name its namespace and its name there."""
    found: dict[str, tuple[str, str]] = {}
    nesting = (tool.raw for tool in tools if tool.kind in {"function", "custom"} and tool.dialect == DIALECT)
    for raw in dict.fromkeys(nesting):
        if _kind.decode(raw).type != "namespace":
            continue
        namespace = _namespace.decode(raw)
        for nested in namespace.tools:
            name = _nested.decode(nested).name
            found[flat(namespace.name, name)] = (namespace.name, name)
    return found
