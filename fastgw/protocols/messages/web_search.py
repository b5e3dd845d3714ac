"""The web search of other dialects as Anthropic's tool, with the settings that both have."""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Tool
from fastgw.protocols.hub.losses import Losses

TYPE = "web_search_20250305"
"""The oldest version that is still taken: every model that searches knows it (anthropic-python 2.12, 2026-11)."""

_PLACE = ("city", "region", "country", "timezone")
_KNOWN = ("type", "name", "filters", "user_location", "search_context_size")
_NOTHING = (b"null", b"{}", b"[]")


class _Filters(msgspec.Struct):
    allowed_domains: list[str] | None = None
    blocked_domains: list[str] | None = None


class _Foreign(msgspec.Struct):
    """Responses' `web_search`, and chat's `web_search_options`; Gemini's `googleSearch` has nothing of it."""

    filters: _Filters | None = None
    user_location: dict[str, Any] | None = None
    search_context_size: str | None = None


_decoder = msgspec.json.Decoder(_Foreign)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


def web_search(tool: Tool, losses: Losses, path: str) -> dict[str, Any]:
    """The tool; how much of the pages the model gets to see cannot be said here, and is a loss."""
    made: dict[str, Any] = {"type": TYPE, "name": "web_search"}
    try:
        said = _decoder.decode(tool.raw) if tool.raw else _Foreign()
    except msgspec.MsgspecError:
        losses.drop(path)
        return made
    for name, raw in _fields.decode(tool.raw).items() if tool.raw else ():
        if name not in _KNOWN and bytes(raw) not in _NOTHING:
            losses.drop(f"{path}.{name}")
    if said.filters is not None and said.filters.allowed_domains:
        made["allowed_domains"] = said.filters.allowed_domains
    elif said.filters is not None and said.filters.blocked_domains:
        made["blocked_domains"] = said.filters.blocked_domains
    if said.user_location:
        # Chat puts the place one level deeper.
        place = said.user_location.get("approximate")
        known = place if isinstance(place, dict) else said.user_location
        made["user_location"] = {"type": "approximate"} | {
            name: known[name] for name in _PLACE if isinstance(known.get(name), str)
        }
    if said.search_context_size not in (None, "medium"):
        losses.drop(f"{path}.search_context_size")
    return made
