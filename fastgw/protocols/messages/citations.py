"""Citations of an answer between the wire and the hub (anthropic-python 2.12 `types/citation_*.py`, 2026-11).

Within this dialect a citation travels as it came. From elsewhere: a page of the web becomes a
`web_search_result_location` with an empty `encrypted_index` (nobody can make one up), a place in a document the
location that counts as it does; a citation of a provider's file has no place.
"""

from typing import Any, Literal

import msgspec

from fastgw.protocols.hub.conversation import Citation

NAME = "messages"


class _Wire(msgspec.Struct):
    type: str = ""
    cited_text: str | None = None
    document_index: int | None = None
    document_title: str | None = None
    start_char_index: int | None = None
    end_char_index: int | None = None
    start_page_number: int | None = None
    end_page_number: int | None = None
    start_block_index: int | None = None
    end_block_index: int | None = None
    encrypted_index: str | None = None
    title: str | None = None
    url: str | None = None
    source: str | None = None


_decoder = msgspec.json.Decoder(_Wire)
_PREFIXES: dict[str, tuple[str, str]] = {
    "char": ("start_char_index", "end_char_index"),
    "page": ("start_page_number", "end_page_number"),
    "block": ("start_block_index", "end_block_index"),
}
_UNITS: dict[str, Literal["char", "page", "block"]] = {
    "char_location": "char",
    "page_location": "page",
    "content_block_location": "block",
}
_TYPES = {unit: kind for kind, unit in _UNITS.items()}


def read_citation(raw: bytes | msgspec.Raw) -> Citation:
    """A citation of the wire. Raises `msgspec.MsgspecError` for one whose known fields have wrong types."""
    wire = _decoder.decode(raw)
    text = bytes(raw).decode()
    if wire.type == "web_search_result_location":
        return Citation(
            kind="url",
            url=wire.url or "",
            title=wire.title or "",
            cited_text=wire.cited_text or "",
            dialect=NAME,
            # One that this gateway made up for a foreign answer cannot be sent to a provider again.
            raw=text if wire.encrypted_index else "",
        )
    unit = _UNITS.get(wire.type)
    if unit is not None:
        start, end = _PREFIXES[unit]
        return Citation(
            kind="document",
            title=wire.document_title or "",
            cited_text=wire.cited_text or "",
            start=getattr(wire, start) or 0,
            end=getattr(wire, end) or 0,
            document_index=wire.document_index or 0,
            unit=unit,
            dialect=NAME,
            raw=text,
        )
    if wire.type == "search_result_location" and (wire.source or "").startswith(("https://", "http://")):
        return Citation(
            kind="url",
            url=wire.source or "",
            title=wire.title or "",
            cited_text=wire.cited_text or "",
            dialect=NAME,
            raw=text,
        )
    return Citation(kind="opaque", cited_text=wire.cited_text or "", dialect=NAME, raw=text)


def wire_citation(citation: Citation) -> msgspec.Raw | dict[str, Any] | None:
    """A citation for a caller; None if this dialect has no place for it."""
    if citation.dialect == NAME and citation.raw:
        return msgspec.Raw(citation.raw.encode())
    if citation.kind == "url" and citation.url:
        return {
            "type": "web_search_result_location",
            "cited_text": citation.cited_text,
            "encrypted_index": "",
            "title": citation.title or None,
            "url": citation.url,
        }
    if citation.kind == "document" and citation.unit:
        start, end = _PREFIXES[citation.unit]
        return {
            "type": _TYPES[citation.unit],
            "cited_text": citation.cited_text,
            "document_index": citation.document_index,
            "document_title": citation.title or None,
            start: citation.start,
            end: citation.end,
        }
    return None


def replayed(citations: tuple[Citation, ...]) -> list[msgspec.Raw]:
    """Those that a provider can be sent again: its own, but for those of search results, which are documents now."""
    return [
        msgspec.Raw(cite.raw.encode())
        for cite in citations
        if cite.dialect == NAME and cite.raw and '"search_result_location"' not in cite.raw
    ]
