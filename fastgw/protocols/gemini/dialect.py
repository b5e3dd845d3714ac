"""Gemini's generateContent, spoken by callers and by providers."""

from collections.abc import Iterable

from fastgw.protocols.gemini import answer, decode, encode, peek, read
from fastgw.protocols.gemini.seals import FAMILY
from fastgw.protocols.gemini.tap import ArrayTap, Tap
from fastgw.protocols.gemini.write import Writer
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Fields, Framing, FromPath, Peek, Reading, Setting
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.usage import Usage


class GeminiDialect:
    """Implements `dialect.CallerDialect` and `dialect.ProviderDialect`."""

    name = "gemini"
    family = FAMILY

    def peek(self, fields: Fields, said: FromPath) -> Peek:
        """The model and whether it is a stream stand in the path. Raises `GatewayError` (400)."""
        return peek.peek(fields, said)

    def splice(self, fields: Fields, seen: Peek, target: Target) -> bytes:
        """The caller's body; the path names the model."""
        return peek.splice(fields, target)

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The body with `cap` as its only cap of output tokens."""
        return peek.with_cap(fields, cap)

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""
        return decode.request(fields, said, losses)

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """Raises `GatewayError` (400) for what would change the meaning."""
        return encode.request(conversation, target, losses)

    def writer(self, setting: Setting) -> Writer:
        """For one streamed answer, framed as `setting.framing` says."""
        return Writer(setting)

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """A whole answer."""
        return answer.encode_answer(events, setting)

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """Raises `Unusable`."""
        return read.answer(body, target.family or FAMILY)

    def reader(self, target: Target) -> read.Reader:
        """For one stream of server-sent events."""
        return read.Reader(target.family or FAMILY)

    def read_answer(self, body: bytes) -> Reading:
        """Look at a whole answer that is relayed untouched."""
        return answer.read_answer(body)

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return answer.usage_in_tail(tail)

    def tap(self, *, hide_usage: bool, framing: Framing = "sse") -> Tap:
        """For one stream that is relayed untouched. Usage stands in every chunk and is never hidden."""
        return ArrayTap() if framing == "array" else Tap()


DIALECT = GeminiDialect()
