"""A streamed answer as chat completion chunks (OpenAI's API description of 2026-08), from events of the hub.

Same `id`, `created` and `model` on every chunk; each choice begins with its role; calls are numbered from 0 in order,
their id, type and name said once; a finish chunk with an empty delta ends a choice; usage only if asked for; then
`[DONE]`, also behind an error. Lists in a delta have an `index` in each item: OpenAI's clients put them together by it.
"""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.chat import carriers, usage
from fastgw.protocols.chat.answering import CALLS, FINGERPRINT, Answering, annotations, detail, free_text, refusal_of
from fastgw.protocols.errors import openai
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
    Start,
    StopReason,
    Used,
)
from fastgw.usage import Usage

_encode = msgspec.json.Encoder().encode
_FIELDS = {Kind.TEXT: b"content", Kind.REASONING: b"reasoning_content", Kind.REFUSAL: b"refusal"}
HELD_CHARS_MAX = 32 * 1024 * 1024
"""Of one block that must be whole before it is written (a picture), or whose words go with its seal."""
_NULL = b"null"
_ROLE = b'{"role":"assistant","content":""}'


class _Choice:
    """What has been said of one choice."""

    __slots__ = ("calls", "citations", "details", "finished", "images", "length", "refused")

    def __init__(self) -> None:
        self.calls = self.details = self.images = self.length = 0
        self.refused = self.finished = False
        self.citations: list[tuple[Citation, int, int]] = []


class _Block:
    """One block; its deltas go between `before` and `behind`, or are held until its end."""

    __slots__ = ("before", "behind", "call", "chars", "choice", "citations", "held", "kind", "length", "media_type",
                 "name", "place", "sealed", "start")  # fmt: skip

    def __init__(self, start: BlockStart) -> None:
        self.kind = start.kind
        self.choice = start.choice
        self.name = start.name
        self.media_type = start.media_type
        self.before = b""
        self.behind = b""
        self.held: list[str] | None = None
        self.chars = 0
        """Of what was to be held."""
        self.call = ""
        self.place = -1
        self.sealed: list[Any] = []
        self.citations: list[Citation] = []
        self.start = self.length = 0


class ChatWriter:
    """Writes one stream. Implements `dialect.Writer`."""

    __slots__ = ("_answering", "_blocks", "_choices", "_head", "_tail", "_usage", "_wants_usage")

    def __init__(self, setting: Setting) -> None:
        self._answering = Answering(setting)
        frame = _encode({
            "id": self._answering.id, "object": "chat.completion.chunk", "created": setting.created_s,
            "model": setting.model, "system_fingerprint": FINGERPRINT,
        })  # fmt: skip
        self._head = b"data: " + frame[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if setting.wants_usage else b"]}\n\n"
        self._wants_usage = setting.wants_usage
        self._blocks: dict[int, _Block] = {}
        self._choices: dict[int, _Choice] = {}
        self._usage: Usage | None = None

    def write(self, events: Iterable[Event]) -> bytes:
        """Whole events."""
        out: list[bytes] = []
        last: Delta | None = None
        """The delta that the last chunk of `out` is made of."""
        for event in events:
            kind = event.__class__
            if kind is Delta:
                block = self._blocks[event.at]  # type: ignore[union-attr]
                text: str = event.text  # type: ignore[union-attr]
                if block.held is not None:
                    block.chars += len(text)
                    if block.chars <= HELD_CHARS_MAX:
                        block.held.append(text)
                if block.before:
                    block.length += len(text)
                    out.append(block.before + _encode(text) + block.behind)
                    last = event  # type: ignore[assignment]
                continue
            if kind is Used:
                self._usage = event.usage  # type: ignore[union-attr]
            elif isinstance(event, LogProbs):
                self._logprobs(event, last, out)
            else:
                self._other(event, out)
            last = None
        return b"".join(out)

    def end(self) -> bytes:
        """The finish of choices that gave no reason, the usage, the end mark."""
        out: list[bytes] = []
        self._choice(0, out)
        for index, choice in self._choices.items():
            if not choice.finished:
                self._finish(Finish(StopReason.END, choice=index), out)
        if self._wants_usage and self._usage is not None:
            out.append(self._head + b'],"usage":' + _encode(usage.wire(self._usage)) + b"}\n\n")
        out.append(openai.DONE)
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        """The error, then the end mark that clients wait for."""
        return openai.frame(error)

    def _other(self, event: Event, out: list[bytes]) -> None:
        match event:
            case BlockStart():
                self._begin(event, out)
            case BlockEnd(at=at):
                self._close(self._blocks[at], out)
            case Seal(at=at, sealed=sealed):
                self._seal(self._blocks[at], sealed, out)
            case Cite(at=at, citation=citation):
                self._blocks[at].citations.append(citation)
            case Finish():
                self._finish(event, out)
            case Start():
                self._choice(0, out)

    def _choice(self, index: int, out: list[bytes]) -> _Choice:
        choice = self._choices.get(index)
        if choice is None:
            choice = self._choices[index] = _Choice()
            out.append(self._chunk(index, _ROLE))
        return choice

    def _chunk(self, index: int, delta: bytes, *, logprobs: bytes = _NULL, finish: bytes = _NULL) -> bytes:
        return b'%b{"index":%d,"delta":%b,"logprobs":%b,"finish_reason":%b}%b' % (
            self._head, index, delta, logprobs, finish, self._tail,
        )  # fmt: skip

    def _around(self, block: _Block, before: bytes, behind: bytes) -> None:
        block.before, _, block.behind = self._chunk(block.choice, before + b"\0" + behind).partition(b"\0")

    def _begin(self, start: BlockStart, out: list[bytes]) -> None:
        choice = self._choice(start.choice, out)
        block = self._blocks[start.at] = _Block(start)
        block.start = choice.length
        if start.kind in _FIELDS:
            self._around(block, b'{"%b":' % _FIELDS[start.kind], b"}")
            if start.kind is Kind.REASONING:
                # A seal, which may come last, goes back with the words that it seals.
                block.held = []
            choice.refused = choice.refused or start.kind is Kind.REFUSAL
        elif start.kind in CALLS:
            self._begin_call(start, block, choice, out)
        elif start.kind is Kind.IMAGE:
            block.held = []
        elif start.kind is Kind.AUDIO:
            self._around(block, b'{"audio":{"id":%b,"data":' % _encode(f"audio_{self._answering.setting.exchange_id}"),
                         b"}}")  # fmt: skip

    def _begin_call(self, start: BlockStart, block: _Block, choice: _Choice, out: list[bytes]) -> None:
        block.place = choice.calls
        choice.calls += 1
        if self._answering.legacy:
            if block.place == 0:
                called = _encode({"function_call": {"name": start.name, "arguments": ""}})
                out.append(self._chunk(start.choice, called))
                self._around(block, b'{"function_call":{"arguments":', b"}}")
            return
        block.call = self._answering.call_id(start.id)
        place = b'{"tool_calls":[{"index":%d,' % block.place
        if self._answering.is_custom(start.kind, start.name):
            head: dict[str, Any] = {"type": "custom", "custom": {"name": start.name, "input": ""}}
            if start.kind is Kind.TOOL_CALL:
                # The function that stood for the tool has its text in an object, which has to be whole first.
                block.held = []
            else:
                self._around(block, place + b'"custom":{"input":', b"}}]}")
        else:
            head = {"type": "function", "function": {"name": start.name, "arguments": ""}}
            self._around(block, place + b'"function":{"arguments":', b"}}]}")
        out.append(self._chunk(start.choice, _listed({"index": block.place, "id": block.call} | head)))

    def _seal(self, block: _Block, sealed: Any, out: list[bytes]) -> None:
        if block.kind in (Kind.REASONING, Kind.REDACTED):
            block.sealed.append(sealed)
        elif block.kind in CALLS and not self._answering.legacy:
            # OpenAI's clients look into `function` of every piece.
            custom = self._answering.is_custom(block.kind, block.name)
            empty = {"custom": {"input": ""}} if custom else {"function": {"arguments": ""}}
            item = {"index": block.place, **empty, "extra_content": carriers.google(sealed)}
            out.append(self._chunk(block.choice, _listed(item)))
        elif block.kind is Kind.TEXT:
            out.append(self._chunk(block.choice, _encode({"extra_content": carriers.google(sealed)})))

    def _close(self, block: _Block, out: list[bytes]) -> None:
        choice = self._choices[block.choice]
        held = "".join(block.held) if block.held else ""
        if block.chars > HELD_CHARS_MAX:
            # A part of a picture is none, and a seal does not fit a part of its words.
            held = ""
            block.sealed.clear()
        if block.kind is Kind.IMAGE and held:
            picture = {"url": f"data:{block.media_type or 'image/png'};base64,{held}"}
            item = {"index": choice.images, "type": "image_url", "image_url": picture}
            choice.images += 1
            out.append(self._chunk(block.choice, _encode({"images": [item]})))
        elif block.kind is Kind.TOOL_CALL and block.held is not None:
            item = {"index": block.place, "custom": {"input": free_text(held)}}
            out.append(self._chunk(block.choice, _listed(item)))
        elif block.kind is Kind.TOOL_CALL and block.before and not block.length:
            # A call without arguments has an empty object; some providers send nothing.
            out.append(block.before + b'"{}"' + block.behind)
        for sealed in block.sealed[-1:]:
            made = detail(sealed, held, redacted=block.kind is Kind.REDACTED, index=choice.details)
            choice.details += 1
            out.append(self._chunk(block.choice, _encode({"reasoning_details": [made]})))
        if block.kind is Kind.TEXT:
            choice.length += block.length
            choice.citations += ((citation, block.start, block.length) for citation in block.citations)
        block.held = None

    def _logprobs(self, event: LogProbs, last: Delta | None, out: list[bytes]) -> None:
        block = self._blocks[event.at]
        text = ""
        if last is not None and last.at == event.at:
            text = last.text
            out.pop()
        if block.kind is Kind.TEXT:
            tokens = b'{"content":%b,"refusal":null}' % event.tokens.encode()
            out.append(self._chunk(block.choice, _encode({"content": text}), logprobs=tokens))

    def _finish(self, finish: Finish, out: list[bytes]) -> None:
        choice = self._choice(finish.choice, out)
        if choice.finished:
            return
        choice.finished = True
        cited = annotations(choice.citations)
        if cited:
            out.append(self._chunk(finish.choice, _encode({"annotations": cited})))
        refusal = refusal_of(finish)
        if refusal and not choice.refused:
            out.append(self._chunk(finish.choice, _encode({"refusal": refusal})))
        word = self._answering.finish_reason(finish, called=choice.calls > 0)
        out.append(self._chunk(finish.choice, b"{}", finish=_encode(word)))


def _listed(item: dict[str, Any]) -> bytes:
    return _encode({"tool_calls": [item]})
