"""Responses, as callers and as providers speak it."""

from collections.abc import Iterable

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Fields, FromPath, Peek, Reading, Setting
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.responses import decode, encode, peek, read, usage, write
from fastgw.protocols.responses.reader import Reader
from fastgw.protocols.responses.tap import StreamTap
from fastgw.usage import Usage


class Responses:
    """Implements `CallerDialect` and `ProviderDialect`."""

    name = decode.NAME
    family = peek.FAMILY

    def peek(self, fields: Fields, said: FromPath) -> Peek:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""
        return peek.peek(fields)

    def splice(self, fields: Fields, seen: Peek, target: Target) -> bytes:
        """The body for a provider of the same dialect."""
        return peek.splice(fields, target)

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The body with `cap` as its only cap of output tokens."""
        return fields | {"max_output_tokens": toplevel.number(cap)}

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""
        return decode.decode_request(fields, losses)

    def writer(self, setting: Setting) -> write.Writer:
        """For one streamed answer."""
        return write.Writer(setting)

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """A whole answer from well-formed events, none of them `Failed`."""
        return write.encode_answer(events, setting)

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """The body for the provider. Raises `GatewayError` (400) for what would change the meaning."""
        return encode.encode_request(conversation, target, losses)

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """A whole answer as events. Raises `Unusable`."""
        return read.decode_answer(body, target)

    def reader(self, target: Target) -> Reader:
        """For one streamed answer."""
        return Reader(target.family)

    def read_answer(self, body: bytes) -> Reading:
        """Look at a whole answer that is relayed untouched."""
        return read.read_answer(body)

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return usage.usage_in_tail(tail)

    def tap(self, *, hide_usage: bool) -> StreamTap:
        """For one stream that is relayed untouched; its last event has the usage for everyone."""
        return StreamTap()


DIALECT = Responses()
