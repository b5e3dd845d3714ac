"""Messages, as callers speak it and as providers do."""

from collections.abc import Iterable

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Fields, FromPath, Peek, Reader, Reading, Setting, Tap, Writer
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages import answer, decode, encode, peek, read, tap, write
from fastgw.usage import Usage


class Messages:
    """Implements `hub.dialect.CallerDialect` and `hub.dialect.ProviderDialect`."""

    name = "messages"
    family = "anthropic"

    def peek(self, fields: Fields, said: FromPath) -> Peek:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""
        return peek.peek(fields, said)

    def splice(self, fields: Fields, seen: Peek, target: Target) -> bytes:
        """The body for a provider of the same dialect, nothing nested touched."""
        return peek.splice(fields, seen, target)

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The body with `cap` as its only cap of output tokens."""
        return fields | {"max_tokens": toplevel.number(cap)}

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""
        return decode.decode_request(fields, said, losses)

    def writer(self, setting: Setting) -> Writer:
        """For one streamed answer."""
        return write.Writer(setting)

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """A whole answer from well-formed events."""
        return answer.encode_answer(events, setting)

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """Raises `GatewayError` (400) for what would change the meaning."""
        return encode.encode_request(conversation, target, losses)

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """A whole answer as events. Raises `Unusable`."""
        return read.decode_answer(body, target)

    def reader(self, target: Target) -> Reader:
        """For one streamed answer."""
        return read.Reader(target)

    def read_answer(self, body: bytes) -> Reading:
        """Look at a whole answer that is relayed untouched."""
        return tap.read_answer(body)

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return tap.usage_in_tail(tail)

    def tap(self, *, hide_usage: bool) -> Tap:
        """For one stream that is relayed untouched. Usage stands in events that no caller can do without."""
        return tap.StreamTap()


DIALECT = Messages()
