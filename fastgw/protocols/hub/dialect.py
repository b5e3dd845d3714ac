"""What a dialect offers: as the caller speaks it, as a provider speaks it, or both."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, Protocol

import msgspec

from fastgw.errors import GatewayError
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.events import Event
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import Target
from fastgw.usage import Usage

Fields = dict[str, msgspec.Raw]
"""The top level of a JSON object; nested values are the sender's own bytes."""
Framing = Literal["sse", "array"]
"""How a stream is framed: server-sent events, or (Gemini without `alt=sse`) the elements of one JSON array."""


class FromPath(msgspec.Struct, frozen=True, gc=False):
    """What a caller said outside of the body."""

    model: str = ""
    """In the path (Gemini), empty when it stands in the body."""
    stream: bool | None = None
    """Decided by the path (Gemini), None when the body does."""
    framing: Framing = "sse"
    version: str = ""
    """Value of `anthropic-version`, empty when unsaid."""
    betas: tuple[str, ...] = ()
    """Values of `anthropic-beta`."""


class Peek(msgspec.Struct, frozen=True, gc=False):
    """What the gateway read of a request before anything else."""

    model: str
    stream: bool
    output_cap: int = 0
    """The most output tokens the caller allows, 0 if it does not say."""
    choices: int = 1
    """How many answers are asked for, 1 or more."""
    wants_usage: bool = True
    """A streaming caller is to get token counts (chat: only when it asked for them)."""
    sticky: bool = False
    """The provider keeps something that a later call may need: the same key goes to the same lane while that works."""
    pinned: bool = False
    """It names what a provider keeps: only the lane that made it can serve it, and none of another dialect."""


class Setting(msgspec.Struct, frozen=True):
    """What an answer has to know about its question."""

    exchange_id: str
    """Ids that the caller sees are made from it: letters, digits, `_` and `-`."""
    model: str
    """The name by which the caller asked."""
    created_s: int
    """Unix seconds."""
    conversation: Conversation
    fields: Mapping[str, msgspec.Raw]
    """The caller's body, for what an answer repeats of it."""
    family: str
    """Of the lane; `sealed.tagged` is told it by each seal."""
    wants_usage: bool = True
    prompt_tokens_estimate: int = 0
    """For dialects that name the prompt's size before the provider has (Anthropic's `message_start`)."""
    framing: Framing = "sse"
    stream: bool = False


class Unusable(Exception):
    """The provider's answer makes no sense. The text is for the operator's log and never reaches a caller."""


class StreamBroken(Exception):
    """The provider's bytes are no stream of its dialect."""


class Reading(msgspec.Struct, frozen=True, gc=False):
    """What a whole answer turned out to be, before it is relayed untouched."""

    valid: bool
    error: bool = False
    """It carries an error although its status said 200."""
    usage: Usage | None = None
    instead: bytes | None = None
    """What the caller gets in place of the provider's bytes; None: those."""


class Tap(Protocol):
    """Follows one stream on its way back. Feed it what the provider sends; forward what it returns.

    It returns whole events only, so that comments and error frames can be put between. Two kinds exist: one lets bytes
    of the caller's own dialect pass, the other one (`translate.Translation`) reads one dialect and writes another.
    """

    usage: Usage | None
    """The last that was reported."""
    done: bool
    """The end mark is among what was returned; nothing follows."""
    error: str | None
    """The provider's own words (redacted) in the error event that ended the stream; neither it nor what follows is
    returned by `feed`."""

    def feed(self, data: bytes) -> bytes:
        """Raises `StreamBroken`."""

    def rest(self) -> bytes:
        """What is still to be forwarded when the provider has ended its stream. If the answer is `complete` but its end
        mark was missing, it is added here. Raises `StreamBroken`."""

    @property
    def opened(self) -> bool:
        """A meaningful event has been returned: more than the announcement of an answer. Before that the gateway holds
        back what `feed` returns, so that another lane may still be tried."""

    @property
    def complete(self) -> bool:
        """The answer came to its end."""

    def output_tokens_estimate(self) -> int:
        """The gateway's own count of what was generated: bytes of text, arguments and reasoning over four, upward."""

    @property
    def searches(self) -> int:
        """Searches that the provider's own tools were seen to make: they count where no usage was reported."""

    def fail(self, error: GatewayError, exchange_id: str) -> bytes:
        """The bytes that end the stream here with an error, as the dialect frames it (also when nothing was sent)."""


class Reader(Protocol):
    """A provider's stream, decoded. Blocks may interleave; `sequence` orders them."""

    done: bool
    """The end mark has come; nothing follows."""

    @property
    def complete(self) -> bool:
        """The answer came to its end: an end mark, or a reason for finishing."""

    @property
    def searches(self) -> int:
        """As of `Tap.searches`."""

    def feed(self, data: bytes) -> Sequence[Event]:
        """The events that `data` completes. Raises `StreamBroken`."""

    def end(self) -> Sequence[Event]:
        """What is left when the provider has ended its stream."""


class Writer(Protocol):
    """A caller's stream, encoded. Gets well-formed events (`events`)."""

    def write(self, events: Iterable[Event]) -> bytes:
        """The caller's bytes: whole frames, b"" if nothing is to be said yet."""

    def end(self) -> bytes:
        """What is left to say once the answer is complete, the end mark included."""

    def fail(self, error: GatewayError) -> bytes:
        """End the stream here with an error, as the dialect frames it; never as if the answer were complete."""


class CallerDialect(Protocol):
    """A dialect in which callers ask."""

    @property
    def name(self) -> str:
        """In usage rows, settings and `x-fastgw-detected-format`."""

    @property
    def family(self) -> str:
        """Family whose seals its callers carry without a tag."""

    def peek(self, fields: Fields, said: FromPath) -> Peek:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""

    def splice(self, fields: Fields, seen: Peek, target: Target) -> bytes:
        """The body for a provider of the same dialect: `model` replaced, usage asked for, nothing nested touched."""

    def with_cap(self, fields: Fields, cap: int) -> Fields:
        """The caller's body with `cap` (1 or more) as its only cap of output tokens, for each answer asked for."""

    def decode_request(self, fields: Fields, said: FromPath, losses: Losses) -> Conversation:
        """Raises `GatewayError` (400) that names the JSON path of the mistake."""

    def writer(self, setting: Setting) -> Writer:
        """For one streamed answer."""

    def encode_answer(self, events: Iterable[Event], setting: Setting) -> bytes:
        """A whole answer from well-formed events, none of them `Failed`."""


class ProviderDialect(Protocol):
    """A dialect in which providers answer."""

    @property
    def name(self) -> str:
        """As in `Target.dialect`."""

    def encode_request(self, conversation: Conversation, target: Target, losses: Losses) -> bytes:
        """The body for the provider. Raises `GatewayError` (400) for what would change the meaning."""

    def decode_answer(self, body: bytes, target: Target) -> list[Event]:
        """A whole answer as events. Raises `Unusable`."""

    def reader(self, target: Target) -> Reader:
        """For one streamed answer."""

    def read_answer(self, body: bytes) -> Reading:
        """Look at a whole answer that is relayed untouched."""

    def usage_in_tail(self, tail: bytes) -> Usage | None:
        """The usage in the last bytes of an answer too large to hold."""

    def tap(self, *, hide_usage: bool) -> Tap:
        """For one stream that is relayed untouched. `hide_usage`: the caller did not ask for the usage event."""
