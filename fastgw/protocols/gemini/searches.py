"""How many searches grounding with Google Search cost.

Gemini 3 and later: each different query that is not empty ("billed for each search query that the model decides to
execute"; empty ones are ignored "when counting unique queries"). Up to Gemini 2.5: each prompt that was grounded, with
however many queries (ai.google.dev/gemini-api/docs/google-search and pricing, 2026-11). Which model it was, the answer
says (`modelVersion`). Reading URLs and grounding with Google Maps make no such queries.
"""

import re
from typing import Any

import msgspec

from fastgw.protocols.searches import SEARCHES_MAX

MARK = b'"webSearchQueries"'
"""Stands in every answer and chunk that tells of searches: in a text, its quotes are escaped."""
_PER_PROMPT = re.compile(r"\bgemini-[12]\.")
_TAIL_QUERIES = re.compile(rb'"webSearchQueries"\s*:\s*(\[[^\[\]{}]*\])')
_TAIL_MODEL = re.compile(rb'"modelVersion"\s*:\s*"([^"\\]*)"')
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)


class _Grounding(msgspec.Struct, rename="camel"):
    web_search_queries: list[Any] | None = None


class _Candidate(msgspec.Struct, rename="camel"):
    grounding_metadata: msgspec.Raw = msgspec.Raw(b"")


class _Chunk(msgspec.Struct, rename="camel"):
    candidates: list[_Candidate] | None = None
    model_version: str | None = None


_grounding = msgspec.json.Decoder(_Grounding | None)
_chunk = msgspec.json.Decoder(_Chunk)
_queries = msgspec.json.Decoder(list[Any])


class Searches:
    """The searches of one answer, whose chunks may repeat them."""

    __slots__ = ("_per_prompt", "_queries", "made")

    def __init__(self) -> None:
        self._queries: set[str] = set()
        self._per_prompt = False
        self.made = 0
        """As many as are billed."""

    def chunk(self, content: bytes) -> None:
        """All of a chunk, or of a whole answer."""
        try:
            said = _chunk.decode(content)
        except _UNREADABLE:
            return
        for candidate in said.candidates or ():
            self.grounding(candidate.grounding_metadata, said.model_version)

    def grounding(self, raw: msgspec.Raw, model: str | None) -> None:
        """The `groundingMetadata` of a candidate, if any."""
        try:
            found = _grounding.decode(raw) if bytes(raw) else None
        except _UNREADABLE:
            return
        if found is not None:
            self._add(found.web_search_queries or (), model or "")

    def tail(self, data: bytes) -> None:
        """The last bytes of an answer that was too large to hold."""
        models = _TAIL_MODEL.findall(data)
        for found in _TAIL_QUERIES.findall(data):
            try:
                self._add(_queries.decode(found), models[-1].decode("utf-8", "replace") if models else "")
            except _UNREADABLE:
                continue

    def _add(self, queries: Any, model: str) -> None:
        self._per_prompt = self._per_prompt or _PER_PROMPT.search(model) is not None
        for query in queries:
            if isinstance(query, str) and query.strip() and len(self._queries) < SEARCHES_MAX:
                self._queries.add(query)
        self.made = min(len(self._queries), 1) if self._per_prompt else len(self._queries)


def of_answer(content: bytes) -> int:
    """The searches of a whole answer."""
    if MARK not in content:
        return 0
    searches = Searches()
    searches.chunk(content)
    return searches.made
