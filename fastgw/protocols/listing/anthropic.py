"""Models as Anthropic lists them, in pages (platform.claude.com/docs/en/api/models; anthropic-python 2.12, 2026-11).

`{"data":[{"type":"model","id","display_name","created_at",...}],"first_id","last_id","has_more"}`; `limit` 1 to 1000,
20 when unsaid; `after_id` and `before_id` name the model next to the page.
"""

from collections.abc import Sequence
from datetime import UTC, datetime

import msgspec

from fastgw.protocols.listing.entry import Entry, Pricing, Query, index_of, number, pricing
from fastgw.protocols.toplevel import refuse

_encode = msgspec.json.encode

LIMIT_DEFAULT = 20
LIMIT_MAX = 1_000


class _Model(msgspec.Struct):
    id: str
    display_name: str
    created_at: str
    """RFC 3339; the epoch when nobody says, as Anthropic's reference has it."""
    max_input_tokens: int | None
    max_tokens: int | None
    type: str = "model"
    lifecycle: str = "active"
    """Demanded by the SDK's type; what this gateway lists can be called."""
    pricing: Pricing | msgspec.UnsetType = msgspec.UNSET


class _List(msgspec.Struct):
    data: list[_Model]
    first_id: str | None
    last_id: str | None
    has_more: bool


def listed(entries: Sequence[Entry], query: Query) -> bytes:
    """One page. Raises `GatewayError` (400) for a query that makes no sense."""
    stages = [*query.get("lifecycle", ()), *query.get("lifecycle[]", ())]
    if stages and "active" not in stages:
        entries = ()
    page, has_more = _page(entries, query)
    data = [_model(entry) for entry in page]
    return _encode(_List(data, data[0].id if data else None, data[-1].id if data else None, has_more))


def shown(entry: Entry) -> bytes:
    """One of them."""
    return _encode(_model(entry))


def _page(entries: Sequence[Entry], query: Query) -> tuple[Sequence[Entry], bool]:
    """The page, and whether more follow in the direction that was asked for."""
    limit = number(query, ("limit",), LIMIT_DEFAULT, 1, LIMIT_MAX)
    after, before = query.get("after_id", ("",))[-1], query.get("before_id", ("",))[-1]
    if after and before:
        refuse("'after_id' and 'before_id' cannot be given both.", "before_id")
    if before:
        end = index_of(entries, before, "before_id")
        start = max(0, end - limit)
        return entries[start:end], start > 0
    start = index_of(entries, after, "after_id") + 1 if after else 0
    return entries[start : start + limit], start + limit < len(entries)


def _model(entry: Entry) -> _Model:
    return _Model(
        id=entry.id,
        display_name=entry.id,
        created_at=datetime.fromtimestamp(entry.created, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        max_input_tokens=entry.context_length or None,
        max_tokens=entry.max_output or None,
        pricing=pricing(entry.price),
    )
