"""A chat provider's answer, whole or as a stream, as events of the hub."""

from collections.abc import Iterable
from typing import Any

from fastgw.protocols.chat.read_choice import ChoiceReader, Numbers, is_failure
from fastgw.protocols.chat.read_wire import NOTHING, Chunk, read_chunk
from fastgw.protocols.chat.usage import UNREADABLE, WireUsage, normalise
from fastgw.protocols.errors.foreign import NO_REASON, read_foreign
from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.dialect import StreamBroken, Unusable
from fastgw.protocols.hub.events import Event, Failed, Start, Used
from fastgw.protocols.hub.target import Target
from fastgw.protocols.sse import EventCutter, payload, payloads

CHOICES_MAX = 128
"""Choices that are followed; what a provider sends of others is left out."""


class _Answer:
    """All choices of one answer."""

    __slots__ = ("_family", "_numbers", "_started", "_think_tags", "choices")

    def __init__(self, target: Target) -> None:
        self._numbers = Numbers()
        self._family = target.family
        self._think_tags = target.abilities.think_tags
        self._started = False
        self.choices: dict[int, ChoiceReader] = {}

    def take(self, chunk: Chunk, out: list[Event], *, whole: bool = False) -> None:
        """Add one chunk, or a whole answer."""
        if not self._started:
            self._started = True
            out.append(Start(chunk.id or "", chunk.model or "", chunk.created or 0))
        usage = chunk.usage
        for choice in chunk.choices or ():
            if is_failure(choice):
                out.append(Failed(NO_REASON, choice.finish_reason or ""))
                return
            reader = self._choice(choice.index or 0)
            if reader is not None:
                reader.take(choice, out, whole=whole)
            usage = usage or choice.usage
        if chunk.citations:
            self._cite(chunk.citations, out)
        if usage is None and chunk.x_groq is not None:
            usage = chunk.x_groq.usage
        if usage is not None:
            _used(usage, out)

    def end(self, out: list[Event]) -> None:
        """Nothing follows."""
        for reader in self.choices.values():
            reader.end(out)

    def _choice(self, index: int) -> ChoiceReader | None:
        reader = self.choices.get(index)
        if reader is None and 0 <= index < CHOICES_MAX:
            reader = ChoiceReader(index, self._numbers, self._family, think_tags=self._think_tags)
            self.choices[index] = reader
        return reader

    def _cite(self, urls: Iterable[Any], out: list[Event]) -> None:
        """Perplexity repeats its list of URLs on every chunk; its first choice gets each once."""
        reader = self.choices.get(0)
        for url in urls if reader is not None else ():
            if isinstance(url, str) and url:
                reader.cite(Citation("url", url=url, dialect="chat"), out)  # type: ignore[union-attr]


class ChatReader(EventCutter):
    """Reads one stream. Implements `dialect.Reader`."""

    searches = 0
    """None shows in this dialect; usage tells of them."""
    __slots__ = ("_answer", "_said", "done")

    def __init__(self, target: Target) -> None:
        super().__init__()
        self._answer = _Answer(target)
        self._said = False
        self.done = False
        """`[DONE]` has come."""

    @property
    def complete(self) -> bool:
        """`[DONE]` has come, or every choice has given its reason for finishing."""
        choices = self._answer.choices.values()
        return self.done or (bool(choices) and all(choice.finished for choice in choices))

    def feed(self, data: bytes) -> list[Event]:
        """The events that `data` completes. Raises `StreamBroken` for what is no chunk."""
        out: list[Event] = []
        data = self.cut(data)
        if not data:
            return out
        if data.count(b"\n") == 2 and data.startswith(b"data: ") and data.endswith(b"\n\n") and b"\r" not in data:
            # One event in one line, as most reads bring.
            if not self.done:
                self._take(data[6:-2], out)
            return out
        for content in payloads(data):
            if self.done:
                break
            self._take(content, out)
        return out

    def end(self) -> list[Event]:
        """What is left: a last event without its empty line counts if it is whole."""
        out: list[Event] = []
        rest = self.left()
        content = payload(rest + b"\n\n").strip() if rest else b""
        if content and not self.done:
            try:
                self._take(content, out)
            except StreamBroken:
                # It was cut; what came before it stands.
                out.clear()
        if not self.done:
            self._answer.end(out)
        return out

    def _take(self, content: bytes, out: list[Event]) -> None:
        try:
            chunk = read_chunk(content)
        except UNREADABLE as exc:
            if content.strip() == b"[DONE]":
                if not self._said:
                    raise StreamBroken("the stream ended without an event") from exc
                self._answer.end(out)
                self.done = True
                return
            if not content.strip():
                return
            raise StreamBroken("an event is no JSON object") from exc
        if _is_error(chunk):
            foreign = read_foreign(content)
            out.append(Failed(foreign.message if foreign else NO_REASON, (foreign and foreign.code) or ""))
            return
        self._said = True
        try:
            self._answer.take(chunk, out)
        except UNREADABLE as exc:
            # Parts that are kept as they came are looked into only here.
            raise StreamBroken("an event cannot be read") from exc


def decode_answer(body: bytes, target: Target) -> list[Event]:
    """A whole answer as events. Raises `Unusable`."""
    try:
        chunk = read_chunk(body)
    except UNREADABLE as exc:
        raise Unusable("the answer is no JSON object") from exc
    if _is_error(chunk):
        raise Unusable("the answer is an error with status 200")
    if not chunk.choices:
        raise Unusable("the answer has no choices")
    out: list[Event] = []
    answer = _Answer(target)
    try:
        answer.take(chunk, out, whole=True)
    except UNREADABLE as exc:
        raise Unusable("the answer cannot be read") from exc
    answer.end(out)
    if any(isinstance(event, Failed) for event in out):
        raise Unusable(f"the provider gave up: {chunk.choices[0].finish_reason}")
    return out


def _used(usage: WireUsage, out: list[Event]) -> None:
    normal = normalise(usage)
    if normal is not None:
        out.append(Used(normal))


def _is_error(chunk: Chunk) -> bool:
    # Some servers report failure as {"object":"error","message":…} without an `error` member (vLLM, 2025).
    return bytes(chunk.error) not in NOTHING or (chunk.object == "error" and not chunk.choices)
