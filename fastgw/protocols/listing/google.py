"""Models as Google lists them, in pages (ai.google.dev/api/models, 2026-08).

`{"models":[{"name":"models/...","displayName","inputTokenLimit","outputTokenLimit","supportedGenerationMethods"}],
"nextPageToken"}`; `pageSize` 50 when unsaid and never more than 1000; the last page has no token.
"""

import base64
import binascii
from collections.abc import Sequence

import msgspec

from fastgw.protocols.listing.entry import Entry, Pricing, Query, index_of, number, pricing
from fastgw.protocols.toplevel import refuse

_encode = msgspec.json.encode

PAGE_DEFAULT = 50
PAGE_MAX = 1_000
METHODS = ("generateContent", "streamGenerateContent", "countTokens")


class _Model(msgspec.Struct, rename="camel"):
    name: str
    display_name: str
    input_token_limit: int | msgspec.UnsetType
    output_token_limit: int | msgspec.UnsetType
    supported_generation_methods: tuple[str, ...] = METHODS
    pricing: Pricing | msgspec.UnsetType = msgspec.UNSET


class _List(msgspec.Struct, rename="camel"):
    models: list[_Model]
    next_page_token: str | msgspec.UnsetType


def listed(entries: Sequence[Entry], query: Query) -> bytes:
    """One page. Raises `GatewayError` (400) for a query that makes no sense."""
    size = number(query, ("pageSize", "page_size"), 0, 0, 2**31 - 1)
    token = [*query.get("page_token", ()), *query.get("pageToken", ())]
    start = index_of(entries, _name(token[-1]), "pageToken") + 1 if token and token[-1] else 0
    end = start + min(size or PAGE_DEFAULT, PAGE_MAX)
    page = entries[start:end]
    more = end < len(entries)
    return _encode(_List([_model(entry) for entry in page], _token(page[-1].id) if more else msgspec.UNSET))


def shown(entry: Entry) -> bytes:
    """One of them."""
    return _encode(_model(entry))


def _token(name: str) -> str:
    """The token of the page that follows the model `name`: positions shift when the list changes, names do not."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def _name(token: str) -> str:
    try:
        return base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        refuse("'pageToken' is not one of this gateway. Begin again without it.", "pageToken")


def _model(entry: Entry) -> _Model:
    return _Model(
        name=f"models/{entry.id}",
        display_name=entry.id,
        input_token_limit=entry.context_length or msgspec.UNSET,
        output_token_limit=entry.max_output or msgspec.UNSET,
        pricing=pricing(entry.price),
    )
