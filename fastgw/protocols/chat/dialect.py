"""OpenAI's chat completions, as callers speak it and as providers answer it."""

from collections.abc import Iterable

from fastgw.protocols.chat import answer, decode, encode, peek, read, write_answer
from fastgw.protocols.chat.carriers import NATIVE
from fastgw.protocols.chat.stream import StreamTap
from fastgw.protocols.chat.write import ChatWriter
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import FromPath, Setting
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.toplevel import Fields
from fastgw.usage import Usage


class Chat:
    """Both sides of the dialect; see `hub.dialect` for what each method promises."""

    name = "chat"
    family = NATIVE

    # The functions themselves: these three are all that a call between chat and chat needs, and a frame is dear there.
    splice = staticmethod(peek.splice)
    read_answer = staticmethod(answer.read_answer)
    peek = staticmethod(peek.peek)

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The body with `cap` as its only cap of output tokens."""
        return peek.with_cap(fields, cap)

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """The caller's body as a conversation."""
        return decode.decode_request(fields, said, losses)

    def writer(self, setting: Setting) -> ChatWriter:
        """For one streamed answer to a caller."""
        return ChatWriter(setting)

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """A whole answer to a caller."""
        return write_answer.encode_answer(events, setting)

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """A conversation as the body for a provider."""
        return encode.encode_request(conversation, target, losses)

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """A provider's whole answer."""
        return read.decode_answer(body, target)

    def reader(self, target: Target) -> read.ChatReader:
        """For one stream of a provider."""
        return read.ChatReader(target)

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return answer.usage_in_tail(tail)

    def tap(self, *, hide_usage: bool) -> StreamTap:
        """For one stream that is relayed untouched."""
        return StreamTap(hide_usage=hide_usage)


DIALECT = Chat()
