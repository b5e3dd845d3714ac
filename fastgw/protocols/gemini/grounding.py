"""Sources of an answer (`groundingMetadata`, `citationMetadata`) as citations, and back.

Google counts in bytes of UTF-8, the hub in characters (ai.google.dev/api/generate-content#Segment, 2026-11).
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from fastgw.protocols.gemini.usage import UNREADABLE
from fastgw.protocols.hub.conversation import Citation

CITATIONS_MAX = 1_024
"""Of one chunk."""


class _Source(msgspec.Struct, rename="camel"):
    uri: str | None = None
    title: str | None = None
    text: str | None = None


class _Chunk(msgspec.Struct, rename="camel"):
    web: _Source | None = None
    retrieved_context: _Source | None = None
    maps: _Source | None = None
    image: _Source | None = None


class _Segment(msgspec.Struct, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    text: str | None = None


class _Support(msgspec.Struct, rename="camel"):
    segment: _Segment | None = None
    grounding_chunk_indices: list[int] | None = None


class Grounding(msgspec.Struct, rename="camel"):
    """`groundingMetadata`, as far as it is carried on."""

    grounding_chunks: list[_Chunk] | None = None
    grounding_supports: list[_Support] | None = None


class _Recited(msgspec.Struct, rename="camel"):
    start_index: int | None = None
    end_index: int | None = None
    uri: str | None = None
    title: str | None = None


class Recited(msgspec.Struct, rename="camel"):
    """`citationMetadata`: passages that stand elsewhere word for word."""

    citations: list[_Recited] | None = None
    citation_sources: list[_Recited] | None = None


_grounding = msgspec.json.Decoder(Grounding | None, strict=False)
_recited = msgspec.json.Decoder(Recited | None, strict=False)


def read(grounding: msgspec.Raw, recited: msgspec.Raw, text: str) -> list[Citation]:
    """The citations of a text, from what stands beside it, if anything. Those of an unexpected shape are left out."""
    try:
        found = _grounding.decode(grounding) if bytes(grounding) else None
    except UNREADABLE:
        found = None
    try:
        return citations(found, _recited.decode(recited) if bytes(recited) else None, text)
    except UNREADABLE:
        return citations(found, None, text)


def citations(grounding: Grounding | None, recited: Recited | None, text: str) -> list[Citation]:
    """The citations of a text that is known as far as `text`."""
    data = text.encode("utf-8", "surrogatepass")
    found: list[Citation] = []
    if grounding is not None:
        chunks = [_source(chunk) for chunk in grounding.grounding_chunks or ()]
        cited: set[int] = set()
        for support in grounding.grounding_supports or ():
            segment = support.segment or _Segment()
            start, end = _at(data, segment.start_index), _at(data, segment.end_index)
            for index in support.grounding_chunk_indices or ():
                if 0 <= index < len(chunks) and (chunk := chunks[index]) is not None:
                    cited.add(index)
                    found.append(msgspec.structs.replace(chunk, cited_text=segment.text or "", start=start, end=end))
        found += [chunk for index, chunk in enumerate(chunks) if chunk is not None and index not in cited]
    for each in ((recited.citations or recited.citation_sources) if recited else None) or ():
        if each.uri:
            start, end = _at(data, each.start_index), _at(data, each.end_index)
            found.append(Citation("url", each.uri, each.title or "", start=start, end=end))
    return found[:CITATIONS_MAX]


def _source(chunk: _Chunk) -> Citation | None:
    source = chunk.web or chunk.maps or chunk.image
    if source is not None and source.uri:
        return Citation("url", source.uri, source.title or "")
    if chunk.retrieved_context is not None:
        context = chunk.retrieved_context
        return Citation("document", context.uri or "", context.title or "", context.text or "")
    return None


def _at(data: bytes, index: int | None) -> int:
    """A place in characters for one in bytes."""
    return len(data[: max(0, index or 0)].decode("utf-8", "ignore"))


def to_wire(texts: Sequence[tuple[str, Sequence[Citation]]]) -> dict[str, Any] | None:
    """`groundingMetadata` for the citations of an answer's texts; None if there is none that Google could say."""
    chunks: list[dict[str, Any]] = []
    supports: list[dict[str, Any]] = []
    for text, cited in texts:
        for citation in cited:
            chunk = _chunk(citation)
            if chunk is None:
                continue
            if chunk not in chunks:
                chunks.append(chunk)
            if citation.kind == "url" and citation.end > citation.start:
                words = text[citation.start : citation.end]
                start = len(text[: citation.start].encode("utf-8", "surrogatepass"))
                segment: dict[str, Any] = {
                    "startIndex": start,
                    "endIndex": start + len(words.encode("utf-8", "surrogatepass")),
                    "text": words,
                }
            elif citation.cited_text and citation.kind == "url" and citation.cited_text in text:
                before = text[: text.index(citation.cited_text)].encode("utf-8", "surrogatepass")
                end = len(before) + len(citation.cited_text.encode("utf-8", "surrogatepass"))
                segment = {"startIndex": len(before), "endIndex": end, "text": citation.cited_text}
            else:
                continue
            supports.append({"segment": segment, "groundingChunkIndices": [chunks.index(chunk)]})
    if not chunks:
        return None
    return {"groundingChunks": chunks} | ({"groundingSupports": supports} if supports else {})


def _chunk(citation: Citation) -> dict[str, Any] | None:
    if citation.kind == "url" and citation.url:
        return {"web": {"uri": citation.url, "title": citation.title or citation.url}}
    if citation.kind in ("document", "file"):
        said = {"uri": citation.url, "title": citation.title, "text": citation.cited_text}
        return {"retrievedContext": {key: value for key, value in said.items() if value}}
    return None
