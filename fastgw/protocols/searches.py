"""Searches that a provider's own tools made, as objects of usage report them.

`{"web_search_requests": n}` stands in `server_tool_use` at Anthropic, who bills each search that did not fail 10 USD
for a thousand (platform.claude.com/docs, web search tool, usage and pricing, 2026-11; web fetches beside it are free),
and in `server_tool_use` or `server_tool_use_details` at OpenRouter (openrouter.ai/docs, server tools, 2026-11).
"""

import msgspec

ABSENT = msgspec.Raw(b"")
"""Stands for a member that is not there; told by `is`."""
SEARCHES_MAX = 1_000
"""Of one answer. Nonsense must not empty an account."""


class _ServerTools(msgspec.Struct):
    web_search_requests: int | None = None


_decoder = msgspec.json.Decoder(_ServerTools | None)


def reported(server_tools: msgspec.Raw) -> int:
    """The searches in such an object; 0 for null, and for what is of another form: the tokens beside it count."""
    if server_tools is ABSENT:
        return 0
    try:
        said = _decoder.decode(server_tools)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return 0
    return bounded(said.web_search_requests) if said is not None else 0


def bounded(count: int | None) -> int:
    """A count as it is believed."""
    return min(max(0, count or 0), SEARCHES_MAX)
