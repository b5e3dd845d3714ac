"""The hub's events as the stream that a caller of `:streamGenerateContent` reads.

With `alt=sse` each chunk is an event, without it an element of one JSON array. Calls are whole, since Google's are;
usage and the reason for finishing stand in the last chunk. Every chunk has a candidate with content: google-genai's
chats throw the whole turn away for one that has none (3.4.0).
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.errors import google
from fastgw.protocols.gemini import grounding, logprobs
from fastgw.protocols.gemini.parts_out import CHARS_MAX, Block, part_of, seal_of
from fastgw.protocols.gemini.stops import word_of
from fastgw.protocols.gemini.usage import to_wire
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Finish,
    Kind,
    LogProbs,
    Seal,
    StopReason,
    Used,
)
from fastgw.usage import Usage

_encode = msgspec.json.Encoder().encode
TEXT_CHARS_MAX = 1024 * 1024
"""Kept of a text, for the places of its citations."""
_WHOLE = (Kind.TOOL_CALL, Kind.CUSTOM_CALL, Kind.IMAGE, Kind.AUDIO, Kind.OPAQUE)


class Writer:
    """One stream. Implements `dialect.Writer`."""

    __slots__ = ("_array", "_blocks", "_calls", "_cited", "_closed", "_ending", "_finishes", "_heads", "_sent",
                 "_setting", "_usage")  # fmt: skip

    def __init__(self, setting: Setting) -> None:
        self._setting = setting
        self._array = setting.framing == "array"
        self._ending = b',"modelVersion":%b,"responseId":%b}' % (_encode(setting.model), _encode(setting.exchange_id))
        if not self._array:
            self._ending += b"\n\n"
        self._heads: dict[int, tuple[bytes, bytes]] = {}
        """Of each growing block: what stands before and behind the JSON text of a delta."""
        self._blocks: dict[int, Block] = {}
        self._calls = 0
        self._cited: dict[int, list[tuple[str, list[Citation]]]] = {}
        self._finishes: dict[int, Finish] = {}
        self._usage: Usage | None = None
        self._sent = False
        self._closed = False

    def write(self, events: Iterable[Event]) -> bytes:
        """The caller's bytes: whole chunks."""
        out: list[bytes] = []
        for event in events:
            if event.__class__ is Delta:
                head = self._heads.get(event.at)
                if head is not None:
                    out += (self._opening(), head[0], _encode(event.text), head[1])
                self._blocks[event.at].add(event.text)
            elif event.__class__ is Used:
                self._usage = event.usage
            else:
                self._take(event, out)
        return b"".join(out)

    def end(self) -> bytes:
        """The last chunk: the reason for finishing of each candidate, and the usage."""
        if self._closed:
            return b""
        self._closed = True
        choices = sorted({block.choice for block in self._blocks.values()} | self._finishes.keys()) or [0]
        last: dict[str, Any] = {"candidates": [self._last(choice) for choice in choices]}
        if self._usage is not None:
            last["usageMetadata"] = to_wire(self._usage)
        said = self._opening() + _encode(last)[:-1] + self._ending
        return said + b"]" if self._array else said

    def fail(self, error: GatewayError) -> bytes:
        """The error as the last element or event; never a reason for finishing."""
        if self._closed:
            return b""
        self._closed = True
        exchange_id = self._setting.exchange_id
        if self._array:
            return self._opening() + google.render(error, exchange_id) + b"]"
        return google.frame(error, exchange_id)

    def _opening(self) -> bytes:
        if not self._array:
            return b"data: "
        first, self._sent = not self._sent, True
        return b"[" if first else b",\n"

    def _take(self, event: Event, out: list[bytes]) -> None:
        match event:
            case BlockStart():
                self._start(event)
            case Seal(at=at, sealed=sealed):
                self._blocks[at].sealed = sealed
            case Cite(at=at, citation=citation):
                self._blocks[at].citations.append(citation)
            case LogProbs(at=at, tokens=tokens):
                if (result := logprobs.to_wire(tokens)) is not None:
                    empty = {"text": ""}
                    out.append(self._candidate(empty, self._blocks[at].choice, logprobsResult=result))
            case BlockEnd(at=at):
                self._end_block(at, out)
            case Finish(choice=choice):
                self._finishes[choice] = event

    def _start(self, event: BlockStart) -> None:
        whole = event.kind in _WHOLE
        if event.kind in (Kind.TOOL_CALL, Kind.CUSTOM_CALL):
            self._calls += 1
        # Of a text its beginning is kept: places of citations are counted in its bytes.
        kept = CHARS_MAX if whole else TEXT_CHARS_MAX if event.kind is Kind.TEXT else 0
        self._blocks[event.at] = Block(event, self._setting.exchange_id, self._calls, kept)
        if not whole and event.kind is not Kind.REDACTED:
            thought = b'"thought":true,' if event.kind is Kind.REASONING else b""
            self._heads[event.at] = (
                b'{"candidates":[{"content":{"parts":[{%b"text":' % thought,
                b'}],"role":"model"},"index":%d}]%b' % (event.choice, self._ending),
            )

    def _end_block(self, at: int, out: list[bytes]) -> None:
        block = self._blocks[at]
        if self._heads.pop(at, None) is None:
            if (part := part_of(block)) is not None:
                out.append(self._candidate(part, block.choice))
        elif (seal := seal_of(block)) is not None:
            out.append(self._candidate(seal, block.choice))
        if block.citations:
            self._cited.setdefault(block.choice, []).append((block.text, block.citations))
        block.clear()

    def _candidate(self, part: dict[str, Any], choice: int, **more: Any) -> bytes:
        candidate = {"content": {"parts": [part], "role": "model"}, "index": choice, **more}
        return self._opening() + _encode({"candidates": [candidate]})[:-1] + self._ending

    def _last(self, choice: int) -> dict[str, Any]:
        finish = self._finishes.get(choice, Finish(StopReason.END, choice=choice))
        made: dict[str, Any] = {
            "content": {"parts": [{"text": ""}], "role": "model"},
            "finishReason": word_of(finish.reason),
            "index": choice,
        }
        if finish.words:
            made["finishMessage"] = finish.words
        if (sources := grounding.to_wire(self._cited.get(choice, ()))) is not None:
            made["groundingMetadata"] = sources
        return made
