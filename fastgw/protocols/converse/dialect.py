"""Converse, as Bedrock speaks it."""

from typing import NoReturn

from fastgw.protocols.converse import encode, read
from fastgw.protocols.converse.usage import usage_in_tail
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.dialect import Reader, Reading
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.usage import Usage


class Converse:
    """Implements `hub.dialect.ProviderDialect`."""

    name = "converse"

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
        """Look at a whole answer."""
        return read.read_answer(body)

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""
        return usage_in_tail(tail)

    def tap(self, *, hide_usage: bool) -> NoReturn:
        """Nobody asks in this dialect, so that no stream of it is relayed untouched."""
        raise AssertionError("no caller speaks Converse")


DIALECT = Converse()
