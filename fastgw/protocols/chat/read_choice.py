"""One choice of a provider's answer: its pieces, in whatever order they come, as blocks of the hub."""

from typing import Any

from fastgw.protocols.chat import carriers, read_extras
from fastgw.protocols.chat.read_calls import Calls
from fastgw.protocols.chat.read_wire import NOTHING, Choice, Message
from fastgw.protocols.chat.think import ThinkSplitter
from fastgw.protocols.hub.conversation import Citation
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
)
from fastgw.protocols.hub.sealed import Sealed

_TAGGED_MAX = 1_024
"""Citations of one choice that are told apart; the rest is left out."""

_REASONS = {
    "stop": StopReason.END,
    "length": StopReason.LENGTH,
    "max_tokens": StopReason.LENGTH,
    "max_output_tokens": StopReason.LENGTH,
    "model_length": StopReason.CONTEXT_FULL,
    "model_context_window_exceeded": StopReason.CONTEXT_FULL,
    "repetition_truncation": StopReason.LENGTH,
    "tool_calls": StopReason.TOOLS,
    "tool_call": StopReason.TOOLS,
    "tool_use": StopReason.TOOLS,
    "function_call": StopReason.TOOLS,
    "content_filter": StopReason.REFUSAL,
    "sensitive": StopReason.REFUSAL,
    "refusal": StopReason.REFUSAL,
    "safety": StopReason.REFUSAL,
    "stop_sequence": StopReason.STOP_SEQUENCE,
    "pause_turn": StopReason.PAUSE,
    "malformed_function_call": StopReason.MALFORMED_CALL,
}
"""OpenAI's words, then those of Mistral (`model_length`), GLM (`sensitive`, `model_context_window_exceeded`), MiMo
(`repetition_truncation`) and others that pass a model's own word on (2026-08). An unknown word is an ordinary end."""
FAILURES = frozenset(("error", "network_error", "insufficient_system_resource", "abort"))
"""Words that mean that the provider failed (OpenRouter, GLM, DeepSeek, vLLM; 2026-08)."""


class Numbers:
    """Numbers of blocks, shared by all choices of an answer."""

    __slots__ = ("next",)

    def __init__(self) -> None:
        self.next = 0

    def take(self) -> int:
        """A number that no other block has."""
        self.next += 1
        return self.next - 1


class ChoiceReader:
    """Follows one choice."""

    __slots__ = ("_audio", "_calls", "_cited", "_family", "_index", "_kind", "_numbers", "_open", "_refused",
                 "_splitter", "_text", "finished")  # fmt: skip

    def __init__(self, index: int, numbers: Numbers, family: str, *, think_tags: bool) -> None:
        self._index = index
        self._numbers = numbers
        self._family = family
        self._kind: Kind | None = None
        """Of the block of words that is being filled."""
        self._open = -1
        self._text = -1
        """The last block of text, which citations and probabilities belong to."""
        self._audio = -1
        self._splitter = ThinkSplitter() if think_tags else None
        self._calls = Calls(index, numbers, family)
        self._cited: set[str] = set()
        self._refused = False
        self.finished = False

    def take(self, choice: Choice, out: list[Event], *, whole: bool = False) -> None:
        """Add what one chunk says about this choice."""
        message = choice.delta or choice.message
        if message is not None:
            self._message(message, out, whole=whole)
        if choice.logprobs is not None and bytes(choice.logprobs.content) not in (*NOTHING, b"[]"):
            # Without text they are those of a call, which no block of the hub has.
            if self._text >= 0:
                out.append(LogProbs(self._text, bytes(choice.logprobs.content).decode()))
        if choice.finish_reason:
            self._finish(choice, choice.finish_reason, out)

    def end(self, out: list[Event]) -> None:
        """Nothing follows: give what was held back."""
        if self._splitter is not None:
            thought, text = self._splitter.end()
            self._words(Kind.REASONING, thought, out)
            self._words(Kind.TEXT, text, out)

    def cite(self, citation: Citation, out: list[Event]) -> None:
        """Add a citation to the text, each once."""
        key = f"{citation.url} {citation.start} {citation.end} {citation.raw}"
        if key in self._cited or len(self._cited) >= _TAGGED_MAX:
            return
        self._cited.add(key)
        if self._text < 0:
            self._block(Kind.TEXT, out)
        out.append(Cite(self._text, citation))

    def _message(self, message: Message, out: list[Event], *, whole: bool) -> None:
        self._reason(message, out)
        content = message.content
        if content:
            if isinstance(content, str):
                self._content(content, out)
            else:
                for kind, text in read_extras.content_parts(content):
                    if kind is Kind.TEXT:
                        self._content(text, out)
                    else:
                        self._words(kind, text, out)
        if message.refusal:
            self._refused = True
            self._words(Kind.REFUSAL, message.refusal, out)
        if message.images or message.audio or message.annotations or message.extra_content:
            self._extras(message, out)
        if message.tool_calls:
            self._close(out)
            for at, call in enumerate(message.tool_calls):
                self._calls.take(call, out, index=at if whole else None)
        if message.function_call is not None:
            self._close(out)
            self._calls.take_legacy(message.function_call, out)

    def _content(self, text: str, out: list[Event]) -> None:
        if self._splitter is None:
            self._words(Kind.TEXT, text, out)
            return
        thought, text = self._splitter.feed(text)
        self._words(Kind.REASONING, thought, out)
        self._words(Kind.TEXT, text, out)

    def _reason(self, message: Message, out: list[Event]) -> None:
        items = message.reasoning_details or message.thinking_blocks
        # OpenRouter and vLLM send the same words under two names.
        words = message.reasoning_content or message.reasoning
        if words:
            self._words(Kind.REASONING, words, out)
        for item in items or ():
            if carriers.is_redacted(item):
                self._close(out)
                self._block(Kind.REDACTED, out)
                out.append(Seal(self._open, carriers.whole(item, self._family)))
                self._close(out)
                continue
            if not words:
                self._words(Kind.REASONING, carriers.words_of(item), out)
            if carriers.seal_text(item):
                self._block(Kind.REASONING, out)
                out.append(Seal(self._open, carriers.whole(item, self._family)))
                self._close(out)

    def _extras(self, message: Message, out: list[Event]) -> None:
        for media_type, data in read_extras.images(message.images):
            if not media_type:
                self._words(Kind.TEXT, f"![image]({data})", out)
                continue
            self._close(out)
            at = self._numbers.take()
            out += (
                BlockStart(at, Kind.IMAGE, media_type=media_type, choice=self._index),
                Delta(at, data),
                BlockEnd(at),
            )
        if message.audio:
            data, transcript = read_extras.audio(message.audio)
            if data:
                self._sound(data, out)
            self._words(Kind.TEXT, transcript, out)
        for citation in read_extras.annotations(message.annotations):
            self.cite(citation, out)
        signature = read_extras.signature(message.extra_content)
        if signature:
            self._block(Kind.TEXT, out)
            out.append(Seal(self._open, Sealed(self._family, signature)))

    def _sound(self, data: str, out: list[Event]) -> None:
        """Sound comes beside its transcript, piece by piece, and stays one block."""
        if self._audio < 0:
            self._audio = self._numbers.take()
            out.append(BlockStart(self._audio, Kind.AUDIO, choice=self._index))
        out.append(Delta(self._audio, data))

    def _words(self, kind: Kind, text: str, out: list[Event]) -> None:
        if text:
            if kind is not self._kind:
                self._block(kind, out)
            out.append(Delta(self._open, text))

    def _block(self, kind: Kind, out: list[Event]) -> None:
        """Fill a block of this kind from here on."""
        if kind is self._kind:
            return
        self._close(out)
        if kind is Kind.TEXT or kind is Kind.REASONING:
            self._calls.settle(out)
        self._kind = kind
        self._open = self._numbers.take()
        if kind is Kind.TEXT:
            self._text = self._open
        out.append(BlockStart(self._open, kind, choice=self._index))

    def _close(self, out: list[Event]) -> None:
        if self._kind is not None:
            out.append(BlockEnd(self._open))
            self._kind = None

    def _finish(self, choice: Choice, word: str, out: list[Event]) -> None:
        reason = _REASONS.get(word.lower(), StopReason.END)
        sequence: Any = choice.stop_reason if isinstance(choice.stop_reason, str) else choice.matched_stop
        if reason is StopReason.END and isinstance(sequence, str) and sequence:
            out.append(Finish(StopReason.STOP_SEQUENCE, sequence, self._index))
        elif reason is StopReason.TOOLS and not self._calls.any:
            # A call that never came; should it come behind its finish, the order of events makes it one again.
            out.append(Finish(StopReason.END, choice=self._index))
        elif reason is StopReason.END and self._refused:
            out.append(Finish(StopReason.REFUSAL, choice=self._index))
        else:
            out.append(Finish(reason, choice=self._index))
        self.finished = True


def is_failure(choice: Choice) -> bool:
    """The provider gave up on this choice."""
    return choice.finish_reason in FAILURES
