"""A provider's answer, whole or as a stream of server-sent events, as the hub's events."""

from collections.abc import Sequence

import msgspec

from fastgw.protocols.errors.foreign import read_foreign, redact
from fastgw.protocols.gemini import chunk as wire
from fastgw.protocols.gemini import grounding, logprobs
from fastgw.protocols.gemini.searches import MARK, Searches
from fastgw.protocols.gemini.stops import reason_of
from fastgw.protocols.gemini.usage import UNREADABLE, read_usage, with_searches
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import (
    BlockEnd,
    BlockStart,
    Cite,
    Delta,
    Event,
    Failed,
    Finish,
    Kind,
    LogProbs,
    Seal,
    Start,
    StopReason,
    Used,
)
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.sse import EventCutter, payload
from fastgw.usage import Usage

TEXT_CHARS_MAX = 4 * 1024 * 1024
"""Of one text, kept to turn places of citations from bytes into characters; citations of longer texts lose theirs."""

CHOICES_MAX = 128
"""Candidates of one answer; numbers beyond are not believed."""

_DONE = b"[DONE]"


class _Choice:
    """Where one candidate stands."""

    __slots__ = ("kind", "media_type", "open", "pieces", "size", "text_at")

    def __init__(self) -> None:
        self.open = -1
        """Number of the block that may still grow; -1: none."""
        self.kind: Kind | None = None
        self.media_type = ""
        self.pieces: list[str] = []
        """Of the last text block, together `size` characters."""
        self.size = 0
        self.text_at = -1
        """Number of the last text block."""


class Reader:
    """One answer. Implements `dialect.Reader`."""

    __slots__ = (
        "_choices",
        "_cutter",
        "_family",
        "_finished",
        "_next",
        "_searches",
        "_started",
        "_used",
        "done",
        "failed",
    )

    def __init__(self, family: str) -> None:
        self._family = family
        self._cutter = EventCutter()
        self._choices: dict[int, _Choice] = {}
        self._next = 0
        self._started = False
        self._finished: set[int] = set()
        self._searches = Searches()
        self._used: Usage | None = None
        """As last reported."""
        self.failed = False
        self.done = False

    @property
    def complete(self) -> bool:
        """A candidate gave its reason for finishing, or the prompt was refused: streams have no end mark."""
        return bool(self._finished) and not self.failed

    @property
    def searches(self) -> int:
        """Those that were told of."""
        return self._searches.made

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that `data` completes. Raises `StreamBroken`."""
        data = self._cutter.cut(data)
        out: list[Event] = []
        for content in wire.contents(data) if data else ():
            if self.done:
                break
            if content.strip() == _DONE:
                self.done = True
                break
            self._read(content, out)
        return out

    def end(self) -> Sequence[Event]:
        """What is left: a last event without its empty line, if it is a whole one."""
        left = self._cutter.left()
        out: list[Event] = []
        try:
            for content in _bare(left.strip()) or [payload(left + b"\n\n").strip()]:
                if content and content != _DONE and not self.done:
                    self._read(content, out)
        except StreamBroken:
            return []
        return out

    def _read(self, content: bytes, out: list[Event]) -> None:
        try:
            self.take(wire.decode(content), content, out)
        except UNREADABLE as exc:
            raise StreamBroken(f"an event is no chunk of an answer: {exc}") from exc

    def take(self, said: wire.Chunk, content: bytes, out: list[Event]) -> None:
        """Append the events of one chunk, or of a whole answer."""
        if wire.is_error(said.error):
            found = read_foreign(content)
            self.failed = self.done = True
            out.append(Failed(found.message if found else "The provider gave no reason.", (found and found.code) or ""))
            return
        if not self._started:
            self._started = True
            out.append(Start(said.response_id or "", said.model_version or ""))
        for number, candidate in enumerate(said.candidates or ()):
            index = candidate.index
            self._candidate(candidate, number if index is None or not 0 <= index < CHOICES_MAX else index, out)
        feedback = said.prompt_feedback
        if feedback is not None and feedback.block_reason and not self._finished:
            # The prompt was refused: there is no candidate, and that is an answer.
            self._finished.add(0)
            out.append(Finish(StopReason.REFUSAL, words=redact(feedback.block_reason_message or feedback.block_reason)))
        self._use(said, content, out)

    def _use(self, said: wire.Chunk, content: bytes, out: list[Event]) -> None:
        usage = read_usage(said.usage_metadata) if said.usage_metadata is not wire.ABSENT else None
        if MARK in content:
            for candidate in said.candidates or ():
                self._searches.grounding(candidate.grounding_metadata, said.model_version)
            usage = usage or self._used
        if usage is not None:
            self._used = usage
            out.append(Used(with_searches(usage, self._searches.made)))

    def _candidate(self, candidate: wire.Candidate, choice: int, out: list[Event]) -> None:
        state = self._choices.get(choice)
        if state is None:
            state = self._choices[choice] = _Choice()
        content = candidate.content
        if content is not None and content.parts:
            for part in content.parts:
                self._part(part, state, choice, out)
        if state.text_at == state.open >= 0:
            self._beside(candidate, state, out)
        if candidate.finish_reason and choice not in self._finished:
            self._finished.add(choice)
            reason = reason_of(candidate.finish_reason)
            refused = reason is StopReason.REFUSAL
            words = redact(candidate.finish_message or candidate.finish_reason) if refused else ""
            out.append(Finish(reason, choice=choice, words=words))

    def _beside(self, candidate: wire.Candidate, state: _Choice, out: list[Event]) -> None:
        """What belongs to the open text."""
        sources, recited = candidate.grounding_metadata, candidate.citation_metadata
        if sources is not wire.ABSENT or recited is not wire.ABSENT:
            out += [Cite(state.open, citation) for citation in grounding.read(sources, recited, "".join(state.pieces))]
        if candidate.logprobs_result is not wire.ABSENT and (tokens := logprobs.read(candidate.logprobs_result)):
            out.append(LogProbs(state.open, tokens))

    def _part(self, part: wire.Part, state: _Choice, choice: int, out: list[Event]) -> None:
        text = part.text
        if text is not None:
            kind = Kind.REASONING if part.thought else Kind.TEXT
            if text:
                if state.kind is not kind or state.open < 0:
                    self._open(state, kind, choice, out)
                if kind is Kind.TEXT and state.size < TEXT_CHARS_MAX:
                    state.pieces.append(text)
                    state.size += len(text)
                out.append(Delta(state.open, text))
            if part.thought_signature:
                self._seal(part.thought_signature, state, choice, out)
        elif part.function_call is not None:
            self._call(part.function_call, part.thought_signature, state, choice, out)
        elif part.inline_data is not None:
            if not part.thought:
                self._medium(part.inline_data, state, choice, out)
            if part.thought_signature:
                self._seal(part.thought_signature, state, choice, out)
        elif part.thought_signature and not self._opaque(part, state, choice, out):
            self._seal(part.thought_signature, state, choice, out)
        else:
            self._opaque(part, state, choice, out)

    def _open(self, state: _Choice, kind: Kind, choice: int, out: list[Event], start: BlockStart | None = None) -> int:
        self._close(state, out)
        at = self._next
        self._next += 1
        out.append(BlockStart(at, kind, choice=choice) if start is None else msgspec.structs.replace(start, at=at))
        state.open, state.kind = at, kind
        if kind is Kind.TEXT:
            state.pieces, state.size, state.text_at = [], 0, at
        return at

    def _close(self, state: _Choice, out: list[Event]) -> None:
        if state.open >= 0:
            out.append(BlockEnd(state.open))
            state.open, state.kind = -1, None

    def _seal(self, signature: str, state: _Choice, choice: int, out: list[Event]) -> None:
        """A signature belongs to what is open; with nothing open it is reasoning of which only the seal is there."""
        if state.kind not in (Kind.TEXT, Kind.REASONING):
            self._open(state, Kind.REASONING, choice, out)
        out.append(Seal(state.open, Sealed(self._family, signature)))

    def _call(self, call: wire.Call, signature: str | None, state: _Choice, choice: int, out: list[Event]) -> None:
        start = BlockStart(0, Kind.TOOL_CALL, call.id or "", call.name or "", choice=choice)
        at = self._open(state, Kind.TOOL_CALL, choice, out, start)
        if signature:
            # Ahead of the arguments: some callers' dialects have to say it before the call.
            out.append(Seal(at, Sealed(self._family, signature)))
        arguments = bytes(call.args)
        out.append(Delta(at, "{}" if arguments in (b"", b"null") else arguments.decode()))
        self._close(state, out)

    def _medium(self, blob: wire.Blob, state: _Choice, choice: int, out: list[Event]) -> None:
        data, media_type = blob.data or "", blob.mime_type or ""
        if not data:
            return
        kind = Kind.AUDIO if media_type.startswith("audio/") else Kind.IMAGE
        # Pieces of sound are one sound, unless padding shows that one has ended.
        if not (kind is Kind.AUDIO and state.kind is Kind.AUDIO and state.media_type == media_type):
            self._open(state, kind, choice, out, BlockStart(0, kind, media_type=media_type, choice=choice))
        out.append(Delta(state.open, data))
        state.media_type = media_type
        if kind is Kind.IMAGE or data.endswith("=") or len(data) % 4:
            self._close(state, out)

    def _opaque(self, part: wire.Part, state: _Choice, choice: int, out: list[Event]) -> bool:
        for name, raw in (
            ("executableCode", part.executable_code),
            ("codeExecutionResult", part.code_execution_result),
            ("toolCall", part.tool_call),
            ("toolResponse", part.tool_response),
        ):
            if bytes(raw) not in (b"", b"null"):
                whole: dict[str, object] = {name: raw}
                if part.thought_signature:
                    whole["thoughtSignature"] = part.thought_signature
                start = BlockStart(0, Kind.OPAQUE, name=name, choice=choice)
                at = self._open(state, Kind.OPAQUE, choice, out, start)
                out.append(Delta(at, msgspec.json.encode(whole).decode()))
                self._close(state, out)
                return True
        return False


def _bare(data: bytes) -> list[bytes]:
    """The chunks of what is no stream of events at all: an error as plain JSON, or Google's other framing, an array."""
    if data.startswith(b"["):
        try:
            return [bytes(each) for each in _array.decode(data)]
        except UNREADABLE:
            return []
    return [data] if data.startswith(b"{") else []


_array = msgspec.json.Decoder(list[msgspec.Raw])


def answer(body: bytes, family: str) -> list[Event]:
    """A whole answer. Raises `Unusable`."""
    reader = Reader(family)
    out: list[Event] = []
    try:
        said = wire.decode(body)
        reader.take(said, body, out)
    except UNREADABLE as exc:
        raise Unusable(f"the answer is none of generateContent: {exc}") from exc
    if reader.failed:
        raise Unusable(f"the answer is an error: {out[-1]}")
    if not said.candidates and said.prompt_feedback is None:
        raise Unusable("the answer has neither candidates nor feedback on the prompt")
    return out
