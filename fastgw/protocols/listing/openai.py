"""Models as OpenAI lists them: `{"object":"list","data":[{"id","object","created","owned_by"}]}`, all on one page."""

from collections.abc import Sequence

import msgspec

from fastgw.protocols.listing.entry import Entry, Pricing, Query, pricing

_encode = msgspec.json.encode

CREATED_UNKNOWN_S = 1_626_777_600
"""OpenAI's shape needs a number; this one is what gateways of this family have always sent for "unknown"."""


class _Model(msgspec.Struct):
    id: str
    created: int
    owned_by: str
    object: str = "model"
    context_length: int | msgspec.UnsetType = msgspec.UNSET
    max_output_tokens: int | msgspec.UnsetType = msgspec.UNSET
    pricing: Pricing | msgspec.UnsetType = msgspec.UNSET


class _List(msgspec.Struct):
    data: list[_Model]
    object: str = "list"


def listed(entries: Sequence[Entry], query: Query) -> bytes:
    """All of them; the dialect has no paging."""
    return _encode(_List([_model(entry) for entry in entries]))


def shown(entry: Entry) -> bytes:
    """One of them."""
    return _encode(_model(entry))


def _model(entry: Entry) -> _Model:
    return _Model(
        id=entry.id,
        created=entry.created or CREATED_UNKNOWN_S,
        owned_by=entry.owned_by,
        context_length=entry.context_length or msgspec.UNSET,
        max_output_tokens=entry.max_output or msgspec.UNSET,
        pricing=pricing(entry.price),
    )
