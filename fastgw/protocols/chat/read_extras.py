"""What compatible providers put beside the words: pictures, sound, citations, signatures, typed content."""

from collections.abc import Iterator
from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.events import Kind
from fastgw.protocols.hub.media import media_type_of, source_of

_encode = msgspec.json.encode


def content_parts(content: list[Any]) -> Iterator[tuple[Kind, str]]:
    """Words of a content that is a list (Mistral: `text` and `thinking` parts; docs.mistral.ai, 2026-08)."""
    for part in content:
        if isinstance(part, str):
            yield Kind.TEXT, part
        if not isinstance(part, dict):
            continue
        thinking = part.get("thinking")
        if isinstance(thinking, list):
            words = (inner.get("text") for inner in thinking if isinstance(inner, dict))
            yield Kind.REASONING, "".join(word for word in words if isinstance(word, str))
        elif isinstance(thinking, str):
            yield Kind.REASONING, thinking
        elif isinstance(part.get("refusal"), str):
            yield Kind.REFUSAL, part["refusal"]
        elif isinstance(part.get("text"), str):
            yield Kind.TEXT, part["text"]


def images(items: list[Any] | None) -> Iterator[tuple[str, str]]:
    """Media type and base64 of each picture (OpenRouter's `images`); a URL with an empty media type."""
    for item in items or ():
        inner = item.get("image_url") if isinstance(item, dict) else None
        url = inner.get("url") if isinstance(inner, dict) else inner
        if not isinstance(url, str) or not url:
            continue
        source = source_of(url)
        if source is not None and source.data:
            yield media_type_of(source) or "image/png", source.data
        elif source is not None:
            yield "", source.url


def audio(item: Any) -> tuple[str, str]:
    """Base64 and transcript, each empty if absent."""
    if not isinstance(item, dict):
        return "", ""
    data, transcript = item.get("data"), item.get("transcript")
    return data if isinstance(data, str) else "", transcript if isinstance(transcript, str) else ""


def annotations(items: list[dict[str, msgspec.Raw]] | None) -> Iterator[Citation]:
    """`url_citation` annotations; others stay whole, for a caller that knows them."""
    for item in items or ():
        whole = msgspec.json.decode(_encode(item))
        inner = whole.get("url_citation")
        if isinstance(inner, dict) and isinstance(inner.get("url"), str):
            yield Citation(
                "url",
                url=inner["url"],
                title=_string(inner.get("title")),
                cited_text=_string(inner.get("content")),
                start=_count(inner.get("start_index")),
                end=_count(inner.get("end_index")),
                dialect="chat",
            )
        else:
            yield Citation("opaque", dialect="chat", raw=_encode(item).decode())


def signature(extra: Any) -> str:
    """`extra_content.google.thought_signature`, empty if absent."""
    google = extra.get("google") if isinstance(extra, dict) else None
    found = google.get("thought_signature") if isinstance(google, dict) else None
    return _string(found)


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _count(value: Any) -> int:
    return value if isinstance(value, int) and value >= 0 else 0
