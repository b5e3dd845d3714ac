"""What a provider is to answer, once for all dialects; `tests.fakes.speech` puts it into the one that was asked."""

import threading
from dataclasses import dataclass, field
from typing import Literal

Stop = Literal["end", "length", "stop_sequence", "tools", "refusal"]


@dataclass(frozen=True)
class Say:
    """Words."""

    text: str


@dataclass(frozen=True)
class Think:
    """Reasoning, with the seal that has to come back."""

    text: str
    seal: str = ""
    """Base64; the dialect's own field carries it. Chat has none."""


@dataclass(frozen=True)
class Call:
    """A call of a tool."""

    name: str
    arguments: str
    """JSON text, with spaces as a model may write it."""
    id: str


@dataclass(frozen=True)
class Refuse:
    """A refusal in words; Gemini has none and says only why it stopped."""

    text: str


Block = Say | Think | Call | Refuse


@dataclass(frozen=True)
class Tokens:
    """Disjoint counts."""

    text: int = 11
    read: int = 0
    """From the provider's cache."""
    write: int = 0
    """To it; Gemini does not count that and adds it to its prompt."""
    said: int = 7
    thought: int = 0
    write_1h: int = 0
    """To the provider's cache, for an hour; only Anthropic tells it apart."""

    @property
    def taken(self) -> int:
        """All that went in."""
        return self.text + self.read + self.write + self.write_1h

    @property
    def given(self) -> int:
        """All that came out."""
        return self.said + self.thought


@dataclass(frozen=True)
class Scene:
    """One answer."""

    blocks: tuple[Block, ...] = (Say("Hello from the fake provider."),)
    stop: Stop = "end"
    sequence: str = ""
    """The stop sequence that was met."""
    tokens: Tokens = field(default_factory=Tokens)
    fails: Literal["", "error", "cut"] = ""
    """Half-way: by an error in the stream, or a 200 that holds only an error; or by hanging up."""
    gate: threading.Event | None = None
    """What a stream waits for before it fails; None: a moment."""
    whole_blocks: bool = False
    """A stream has one delta a block, not several."""
    deltas: int = 3
    """How many a block has in a stream, if it has several and the text is long enough."""


@dataclass(frozen=True)
class Trouble:
    """An error instead of an answer."""

    status: int
    message: str = "The fake provider fails."


def pieces(text: str, scene: Scene) -> list[str]:
    """A block's text as the deltas of its stream."""
    if scene.whole_blocks or len(text) < 2:
        return [text] if text else []
    size = max(1, len(text) // scene.deltas)
    cuts = [size * number for number in range(scene.deltas)]
    return [part for start, end in zip(cuts, [*cuts[1:], len(text)], strict=True) if (part := text[start:end])]
