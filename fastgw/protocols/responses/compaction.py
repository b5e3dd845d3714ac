"""`/v1/responses/compact` as a dialect of its own: asked like Responses, never a stream, answered with a compaction."""

from collections.abc import Iterable

import msgspec

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Fields, FromPath, Peek, Reader, Reading, Setting, Unusable
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.protocols.responses import compact, decode, peek, read, usage
from fastgw.protocols.responses.tap import StreamTap
from fastgw.protocols.responses.write import Writer
from fastgw.usage import Usage

_NOT_SAID = frozenset(("stream", "max_output_tokens"))
"""Of Responses, and no fields of the provider's endpoint."""
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.encode


class _Content(msgspec.Struct):
    type: str = ""
    text: str = ""


class _Item(msgspec.Struct):
    role: str = ""
    content: list[_Content] | None = None


_items = msgspec.json.Decoder(list[_Item])


class Compaction:
    """Implements `CallerDialect`, and `ProviderDialect` for providers that compact by themselves: untouched but for one
    field. Every other provider is asked for a summary, in its own dialect."""

    name = "compact"
    family = peek.FAMILY

    def peek(self, fields: Fields, said: FromPath) -> Peek:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""
        return msgspec.structs.replace(peek.peek(fields), stream=False)

    def splice(self, fields: Fields, seen: Peek, target: Target) -> bytes:
        """The body for a provider of the same dialect."""
        return peek.splice({name: raw for name, raw in fields.items() if name not in _NOT_SAID}, target)

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The body with a cap for whoever is asked for a summary; OpenAI's own compaction takes none (2026-08)."""
        return fields | {"max_output_tokens": toplevel.number(cap)}

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """The question that makes a model summarise."""
        return compact.summarising(decode.decode_request(fields, losses))

    def writer(self, setting: Setting) -> Writer:
        """Never used, as this is never streamed."""
        return Writer(setting)

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """The summary as a compaction. What was asked last is the gateway's own and no part of the history."""
        asked = msgspec.structs.replace(setting.conversation, turns=setting.conversation.turns[:-1])
        return compact.render(events, msgspec.structs.replace(setting, conversation=asked))

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """Refused: only a caller who asks for a compaction is led to an endpoint that makes one."""
        raise GatewayError(ErrorKind.NO_ROUTE, "This provider only compacts conversations.")

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """Refused, as above."""
        raise Unusable("a compaction is relayed untouched")

    def reader(self, target: Target) -> Reader:
        """Refused, as above."""
        raise Unusable("a compaction is never streamed")

    def read_answer(self, body: bytes) -> Reading:
        """A provider's compaction, with the text that it holds at its top level too."""
        reading = read.read_answer(body)
        if not reading.valid:
            return reading
        fields = _object.decode(body)
        if "output_text" not in fields:
            fields["output_text"] = msgspec.Raw(_encode(_text_of(fields["output"])))
            reading = msgspec.structs.replace(reading, instead=_encode(fields))
        return reading

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return usage.usage_in_tail(tail)

    def tap(self, *, hide_usage: bool) -> StreamTap:
        """Never used, as this is never streamed."""
        return StreamTap()


def _text_of(output: msgspec.Raw) -> str:
    """What assistants say in it: what is sealed only the provider can read, and what users said is no summary."""
    try:
        items = _items.decode(output)
    except msgspec.MsgspecError:
        return ""
    return "".join(
        part.text
        for item in items
        if item.role == "assistant"
        for part in item.content or ()
        if part.type == "output_text"
    )


DIALECT = Compaction()
