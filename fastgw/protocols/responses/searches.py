"""How many searches of the provider's own tools an answer cost.

OpenAI bills each `web_search_call` whose action is a search 10 USD for a thousand; opening a page and looking for words
in it are free (developers.openai.com, pricing, and web search: "search actions incur a tool call cost", 2026-11). What
was billed stands in `tool_usage.web_search.num_requests` of the response, but not in all answers; Amazon Bedrock counts
alike (2026-08). xAI tells in `usage.server_side_tool_usage_details.web_search_calls` (docs.x.ai, tool usage details,
2026-11; its searches of X are billed by the posts read, and have no count here), OpenRouter in `server_tool_use` or
`server_tool_use_details` of the usage. A count that is told counts; otherwise the items do.
"""

import re

import msgspec

from fastgw.protocols import searches

MARK = b'"web_search_call"'
"""Stands in every answer and event with such an item: in a text, its quotes are escaped."""
_ABSENT = searches.ABSENT
_FREE = frozenset(("open_page", "find_in_page", "find"))
_TAIL = re.compile(rb'"web_search"\s*:\s*\{\s*"num_requests"\s*:\s*(\d{1,9})')


class _Action(msgspec.Struct):
    type: str | None = None


class _Item(msgspec.Struct):
    type: str = ""
    status: str | None = None
    action: _Action | None = None


class _Search(msgspec.Struct):
    num_requests: int | None = None


class _ToolUsage(msgspec.Struct):
    web_search: _Search | None = None


class _Details(msgspec.Struct):
    web_search_calls: int | None = None


class _Usage(msgspec.Struct):
    server_side_tool_usage_details: _Details | None = None
    server_tool_use_details: msgspec.Raw = _ABSENT
    server_tool_use: msgspec.Raw = _ABSENT


_item = msgspec.json.Decoder(_Item)
_items = msgspec.json.Decoder(list[msgspec.Raw])
_tool_usage = msgspec.json.Decoder(_ToolUsage | None)
_usage = msgspec.json.Decoder(_Usage | None)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


def is_search(item: bytes | msgspec.Raw) -> bool:
    """A finished item is a search that is billed."""
    try:
        found = _item.decode(item)
    except _UNREADABLE:
        return False
    action = found.action.type if found.action is not None else None
    return found.type == "web_search_call" and found.status != "failed" and action not in _FREE


def made(output: bytes | msgspec.Raw) -> int:
    """The searches among the items of an answer."""
    if MARK not in bytes(output):
        return 0
    try:
        return searches.bounded(sum(map(is_search, _items.decode(output))))
    except _UNREADABLE:
        return 0


def told(tool_usage: bytes | msgspec.Raw, usage: bytes | msgspec.Raw) -> int:
    """The count that `tool_usage` or `usage` of an answer tells, 0 for none."""
    count = 0
    if bytes(tool_usage):
        try:
            found = _tool_usage.decode(tool_usage)
        except _UNREADABLE:
            found = None
        if found is not None and found.web_search is not None:
            count = searches.bounded(found.web_search.num_requests)
    return count or _in_usage(usage)


def in_tail(tail: bytes, usage: bytes) -> int:
    """The count told in the last bytes of an answer that was too large to hold, whose `usage` is known."""
    found = _TAIL.findall(tail)
    return searches.bounded(int(found[-1])) if found else _in_usage(usage)


def _in_usage(usage: bytes | msgspec.Raw) -> int:
    raw = bytes(usage)
    if b"server_" not in raw:
        return 0
    try:
        said = _usage.decode(raw)
    except _UNREADABLE:
        return 0
    if said is None:
        return 0
    details = said.server_side_tool_usage_details
    count = searches.bounded(details.web_search_calls) if details is not None else 0
    return count or searches.reported(said.server_tool_use_details) or searches.reported(said.server_tool_use)
