"""The answer: a sequence of events, the same whether it came whole or as a stream.

Readers may interleave blocks as their provider does; writers get them well-formed (`sequence`): `Start` first, blocks
numbered from 0 without a gap, each started, filled and ended before the next one of its choice starts, no empty delta,
one `Finish` a choice. `Used` may come at any time and counts up: the last one stands.
"""

import enum

import msgspec

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.sealed import Sealed
from fastgw.usage import Usage


class Kind(enum.Enum):
    """What a block holds."""

    __hash__ = object.__hash__
    """There is one object of each: to look it up in a table need not go through its name, as `enum` does."""

    TEXT = "text"
    REASONING = "reasoning"
    """Deltas are its words, none when only a seal is there."""
    REDACTED = "redacted"
    """Reasoning of which only the seal is there; no deltas."""
    TOOL_CALL = "tool_call"
    """Deltas are pieces of the arguments' JSON text."""
    CUSTOM_CALL = "custom_call"
    """Deltas are pieces of free text."""
    REFUSAL = "refusal"
    IMAGE = "image"
    """Deltas are base64; `media_type` says of what."""
    AUDIO = "audio"
    """Deltas are base64."""
    OPAQUE = "opaque"
    """A block that only its own dialect knows; one delta, its JSON text."""


class StopReason(enum.Enum):
    """Why a choice ended. Every dialect has a word for each."""

    __hash__ = object.__hash__

    END = "end"
    LENGTH = "length"
    CONTEXT_FULL = "context_full"
    STOP_SEQUENCE = "stop_sequence"
    TOOLS = "tools"
    REFUSAL = "refusal"
    """The model or a filter refused."""
    PAUSE = "pause"
    MALFORMED_CALL = "malformed_call"


class Start(msgspec.Struct, frozen=True, gc=False):
    """The answer has begun. Ids are the provider's; callers get ids of the gateway."""

    id: str = ""
    model: str = ""
    created_s: int = 0


class BlockStart(msgspec.Struct, frozen=True, gc=False):
    """A block begins."""

    at: int
    """Its number, 0 or more, unique in the answer."""
    kind: Kind
    id: str = ""
    """Of a tool call as the provider gave it, empty if it gave none; of a Responses item."""
    name: str = ""
    """Of the tool; of an `OPAQUE` block its `type`."""
    media_type: str = ""
    choice: int = 0


class Delta(msgspec.Struct, frozen=True, gc=False):
    """The next piece of a block; never empty towards writers."""

    at: int
    text: str


class Seal(msgspec.Struct, frozen=True, gc=False):
    """The signature of a block, at any time before its end."""

    at: int
    sealed: Sealed


class Cite(msgspec.Struct, frozen=True):
    """A citation that belongs to a text block."""

    at: int
    citation: Citation


class LogProbs(msgspec.Struct, frozen=True, gc=False):
    """Log probabilities of tokens of a text block."""

    at: int
    tokens: str
    """JSON text of a list in chat's shape: `[{"token","logprob","bytes","top_logprobs":[…]}]`."""


class BlockEnd(msgspec.Struct, frozen=True, gc=False):
    """A block is complete."""

    at: int


class Used(msgspec.Struct, frozen=True, gc=False):
    """What the answer has used so far, as the provider reports it."""

    usage: Usage


class Finish(msgspec.Struct, frozen=True, gc=False):
    """A choice has ended. `Used` may still follow."""

    reason: StopReason
    sequence: str = ""
    """The stop sequence that was met, where the provider tells."""
    choice: int = 0
    words: str = ""
    """A refusal's explanation or a filter's category, fit to be shown."""


class Failed(msgspec.Struct, frozen=True, gc=False):
    """The provider reports a failure in its answer; nothing follows. The text is redacted."""

    message: str
    code: str = ""


Event = Start | BlockStart | Delta | Seal | Cite | LogProbs | BlockEnd | Used | Finish | Failed
