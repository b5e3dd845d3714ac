"""OpenAI's legacy completions: as callers speak it, and passed untouched to providers that still have it.

The tap, the reading of whole answers and the usage are those of chat: both wire formats say these things alike.
"""

import re
from collections.abc import Iterable
from typing import ClassVar

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.chat import answer
from fastgw.protocols.chat import peek as chat_peek
from fastgw.protocols.chat.stream import StreamTap
from fastgw.protocols.completions import request, write
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import FromPath, Peek, Reader, Reading, Setting, StreamBroken, Unusable
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.toplevel import Fields
from fastgw.usage import Usage


class CompletionTap(StreamTap):
    """Follows one stream of text completions."""

    text: ClassVar[re.Pattern[bytes]] = re.compile(rb'"text"\s*:\s*"((?:[^"\\]++|\\.)*+)"', re.DOTALL)

    __slots__ = ()


class Completions:
    """See `hub.dialect` for what each method promises."""

    name = "completions"
    family = "openai"

    def peek(self, fields: Fields, said: FromPath) -> Peek:
        """What the gateway reads before anything else."""
        return request.peek(fields, said)

    def splice(self, fields: Fields, seen: Peek, target: Target) -> bytes:
        """The caller's body for a provider of this dialect."""
        return chat_peek.splice(fields, seen, target)

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The body with `cap` as its only cap of output tokens."""
        return fields | {"max_tokens": toplevel.number(cap)}

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """The caller's prompt as a conversation of one message."""
        return request.decode_request(fields, said, losses)

    def writer(self, setting: Setting) -> write.CompletionWriter:
        """For one streamed answer to a caller."""
        return write.CompletionWriter(setting)

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """A whole answer to a caller."""
        return write.encode_answer(events, setting)

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """Refused: a conversation is more than one text to go on with."""
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "This model only continues text. Ask it at /v1/completions, or choose another model.",
            param="model",
        )

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """Never asked for, as no other dialect's question gets here. Raises `Unusable`."""
        raise Unusable("text completions are only passed through")

    def reader(self, target: Target) -> Reader:
        """Never asked for, as no other dialect's question gets here. Raises `StreamBroken`."""
        raise StreamBroken("text completions are only passed through")

    def read_answer(self, body: bytes) -> Reading:
        """Look at a whole answer that is relayed untouched."""
        return answer.read_answer(body)

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return answer.usage_in_tail(tail)

    def tap(self, *, hide_usage: bool) -> StreamTap:
        """For one stream that is relayed untouched."""
        return CompletionTap(hide_usage=hide_usage)


DIALECT = Completions()
