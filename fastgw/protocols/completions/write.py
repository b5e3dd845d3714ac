"""Answers of the legacy completions, streamed and whole, from events of the hub: the text and nothing beside it."""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.chat import usage
from fastgw.protocols.chat.answering import FINGERPRINT
from fastgw.protocols.errors import openai
from fastgw.protocols.hub.conversation import Text
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import BlockStart, Delta, Event, Finish, Kind, LogProbs, StopReason, Used
from fastgw.protocols.hub.gather import Answer, gather
from fastgw.usage import Usage

_encode = msgspec.json.Encoder().encode
_SHOWN = (Kind.TEXT, Kind.REFUSAL)
_WORDS = {
    StopReason.LENGTH: "length",
    StopReason.CONTEXT_FULL: "length",
    StopReason.REFUSAL: "content_filter",
}
"""Every other reason is `stop`: this dialect has three words."""


class _Top(msgspec.Struct):
    token: str
    logprob: float


class _Token(msgspec.Struct):
    token: str
    logprob: float
    top_logprobs: list[_Top] = []


_tokens = msgspec.json.Decoder(list[_Token])


def _frame(setting: Setting) -> dict[str, Any]:
    return {
        "id": f"cmpl-{setting.exchange_id}",
        "object": "text_completion",
        "created": setting.created_s,
        "model": setting.model,
        "system_fingerprint": FINGERPRINT,
    }


def _word(reason: StopReason) -> str:
    return _WORDS.get(reason, "stop")


class _Offsets:
    """Where each token stands: counted from the prompt's first character, as OpenAI does."""

    __slots__ = ("_at", "_start")

    def __init__(self, setting: Setting) -> None:
        first = setting.conversation.turns[0].parts[0] if setting.conversation.turns else None
        self._start = len(first.text) if isinstance(first, Text) else 0
        self._at: dict[int, int] = {}

    def logprobs(self, choice: int, chat: str) -> dict[str, Any]:
        """`logprobs` of text completions for a list in chat's shape."""
        tokens = _tokens.decode(chat)
        offsets = []
        at = self._at.get(choice, self._start)
        for token in tokens:
            offsets.append(at)
            at += len(token.token)
        self._at[choice] = at
        return {
            "tokens": [token.token for token in tokens],
            "token_logprobs": [token.logprob for token in tokens],
            "top_logprobs": [{top.token: top.logprob for top in token.top_logprobs} for token in tokens],
            "text_offset": offsets,
        }


class CompletionWriter:
    """Writes one stream. Implements `dialect.Writer`."""

    __slots__ = ("_choices", "_finished", "_head", "_offsets", "_tail", "_usage", "_wants_usage")

    def __init__(self, setting: Setting) -> None:
        self._head = b"data: " + _encode(_frame(setting))[:-1] + b',"choices":['
        self._tail = b'],"usage":null}\n\n' if setting.wants_usage else b"]}\n\n"
        self._wants_usage = setting.wants_usage
        self._offsets = _Offsets(setting)
        self._choices: dict[int, int] = {}
        """The choice of each block that is shown."""
        self._finished: set[int] = set()
        self._usage: Usage | None = None

    def write(self, events: Iterable[Event]) -> bytes:
        """Whole events."""
        out: list[bytes] = []
        for event in events:
            match event:
                case Delta(at=at, text=text) if at in self._choices:
                    out.append(self._chunk(self._choices[at], text))
                case BlockStart(at=at, kind=kind, choice=choice) if kind in _SHOWN:
                    self._choices[at] = choice
                case LogProbs(at=at, tokens=tokens) if at in self._choices:
                    choice = self._choices[at]
                    out.append(self._chunk(choice, "", logprobs=_encode(self._offsets.logprobs(choice, tokens))))
                case Used():
                    self._usage = event.usage
                case Finish():
                    self._finish(event, out)
        return b"".join(out)

    def end(self) -> bytes:
        """The finish of choices that gave no reason, the usage, the end mark."""
        out: list[bytes] = []
        for choice in sorted({0, *self._choices.values()} - self._finished):
            self._finish(Finish(StopReason.END, choice=choice), out)
        if self._wants_usage and self._usage is not None:
            out.append(self._head + b'],"usage":' + _encode(usage.wire(self._usage)) + b"}\n\n")
        out.append(openai.DONE)
        return b"".join(out)

    def fail(self, error: GatewayError) -> bytes:
        """The error, then the end mark that clients wait for."""
        return openai.frame(error)

    def _finish(self, finish: Finish, out: list[bytes]) -> None:
        self._finished.add(finish.choice)
        out.append(self._chunk(finish.choice, "", finish=_encode(_word(finish.reason))))

    def _chunk(self, choice: int, text: str, *, logprobs: bytes = b"null", finish: bytes = b"null") -> bytes:
        return b'%b{"text":%b,"index":%d,"logprobs":%b,"finish_reason":%b}%b' % (
            self._head, _encode(text), choice, logprobs, finish, self._tail,
        )  # fmt: skip


def encode_answer(events: Iterable[Event], setting: Setting) -> bytes:
    """A `text_completion` from well-formed events."""
    answer = gather(events)
    offsets = _Offsets(setting)
    choices = [_choice(index, answer, offsets) for index in answer.choices]
    return _encode(_frame(setting) | {"choices": choices, "usage": usage.wire(answer.usage_or_nothing)})


def _choice(index: int, answer: Answer, offsets: _Offsets) -> dict[str, Any]:
    shown = [block for block in answer.of(index) if block.kind in _SHOWN]
    pieces = [offsets.logprobs(index, text) for block in shown for text in block.logprobs]
    logprobs = {name: [item for piece in pieces for item in piece[name]] for name in pieces[0]} if pieces else None
    return {
        "text": "".join(block.text for block in shown),
        "index": index,
        "logprobs": logprobs,
        "finish_reason": _word(answer.finish(index).reason),
    }
