"""The usage that Messages reports, as disjoint buckets and back.

`input_tokens` has neither what was read from the cache nor what was written to it, so the buckets are disjoint
already. A stream reports twice: `message_start` before anything was generated, `message_delta` cumulatively, maybe
with newer numbers for the input (anthropic-python 2.12 `lib/streaming/_messages.py`, 2026-11).
"""

from typing import Any

import msgspec

from fastgw.protocols import searches
from fastgw.usage import Usage

TOKENS_MAX = 2**40
"""Of one count. JSON has integers without end, the books have not."""


class _CacheCreation(msgspec.Struct):
    ephemeral_5m_input_tokens: int | None = None
    ephemeral_1h_input_tokens: int | None = None


class _OutputDetails(msgspec.Struct):
    thinking_tokens: int | None = None


class WireUsage(msgspec.Struct):
    """The `usage` object, as far as it counts."""

    input_tokens: int | None = None
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None
    cache_creation: _CacheCreation | None = None
    output_tokens: int | None = None
    output_tokens_details: _OutputDetails | None = None
    server_tool_use: msgspec.Raw = searches.ABSENT


class _Result(msgspec.Struct):
    type: str = ""
    content: msgspec.Raw = searches.ABSENT


SEARCH_RESULT = "web_search_tool_result"
"""Type of the block with what one search found."""
_decoder = msgspec.json.Decoder(WireUsage)
_result = msgspec.json.Decoder(_Result)
UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
"""What decoding a provider's bytes can raise: no JSON or none of the form, broken UTF-8 inside, endless nesting."""


def read_usage(raw: bytes | msgspec.Raw) -> WireUsage | None:
    """A `usage` object; None if it is malformed."""
    try:
        return _decoder.decode(raw)
    except UNREADABLE:
        return None


class Count:
    """What one answer has used so far, from every report of it."""

    __slots__ = (
        "_input", "_output", "_read", "_searched", "_searches", "_thinking", "_write", "_write_1h", "_write_5m",
        "known",
    )  # fmt: skip

    def __init__(self) -> None:
        self._input = self._read = self._write = self._write_5m = self._write_1h = 0
        self._output = self._thinking = 0
        self._searches = self._searched = 0
        """As reported, and as they were seen to end."""
        self.known = False
        """Something was reported that is not 0."""

    def take(self, wire: WireUsage) -> None:
        """The next report. The last word on each count stands, but a 0 never takes back what was counted before:
        some proxies fill in the input at the end only, others at the start only."""
        self._input = _count(wire.input_tokens) or self._input
        self._read = _count(wire.cache_read_input_tokens) or self._read
        split = wire.cache_creation
        if split is not None:
            self._write_5m = _count(split.ephemeral_5m_input_tokens) or self._write_5m
            self._write_1h = _count(split.ephemeral_1h_input_tokens) or self._write_1h
        self._write = _count(wire.cache_creation_input_tokens) or self._write
        self._output = max(self._output, _count(wire.output_tokens))
        if wire.output_tokens_details is not None:
            self._thinking = max(self._thinking, _count(wire.output_tokens_details.thinking_tokens))
        if wire.server_tool_use is not searches.ABSENT:
            self._searches = max(self._searches, searches.reported(wire.server_tool_use))
        self.known = self.known or bool(self._input or self._read or self._write or self._output)

    def searched(self, block: bytes | msgspec.Raw) -> None:
        """The start of a block, maybe what a search found: a stream that is cut never reports how many there were."""
        try:
            found = _result.decode(block)
        except UNREADABLE:
            return
        # In place of the results of a search that failed, and is not billed, stands an object.
        if found.type == SEARCH_RESULT and bytes(found.content).startswith(b"["):
            self._searched = searches.bounded(self._searched + 1)

    @property
    def searches(self) -> int:
        """As reported; before that, as seen."""
        return self._searches or self._searched

    @property
    def usage(self) -> Usage | None:
        """The buckets; None if nothing was counted. Writes whose time to live nobody told are of 5 minutes."""
        if not self.known:
            return None
        written = max(self._write, self._write_5m + self._write_1h)
        hour = min(self._write_1h, written)
        thinking = min(self._thinking, self._output)
        return Usage(
            in_text=self._input,
            cache_read=self._read,
            cache_write_5m=written - hour,
            cache_write_1h=hour,
            out_text=self._output - thinking,
            out_reasoning=thinking,
            searches=self.searches,
        )


def normalise(wire: WireUsage | None) -> Usage | None:
    """The buckets of one whole report; None if it counts nothing."""
    if wire is None:
        return None
    count = Count()
    count.take(wire)
    return count.usage


def wire_usage(usage: Usage) -> dict[str, Any]:
    """The `usage` object of a whole answer. The input has no cached tokens in it, the output has the reasoning."""
    wire: dict[str, Any] = {
        "input_tokens": usage.in_text + usage.in_audio + usage.in_image,
        "cache_creation_input_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_input_tokens": usage.cache_read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": usage.cache_write_5m,
            "ephemeral_1h_input_tokens": usage.cache_write_1h,
        },
        "output_tokens": usage.output_tokens,
    }
    if usage.out_reasoning:
        wire["output_tokens_details"] = {"thinking_tokens": usage.out_reasoning}
    if usage.searches:
        wire["server_tool_use"] = {"web_fetch_requests": 0, "web_search_requests": usage.searches}
    return wire


def _count(said: int | None) -> int:
    return min(max(0, said or 0), TOKENS_MAX)
