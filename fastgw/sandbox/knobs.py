"""What a caller can ask the sandbox to do: knobs in the model's name (`echo:delay_ms=200,chunks=10`) or in the prompt
(a line `!delay_ms 200`). A prompt's knob wins over the name's, the name's over the model's own.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

Millis = Annotated[int, Meta(ge=0, le=600_000)]
"""A wait, at most ten minutes."""

KNOB_LINES_MAX = 64
"""Knob lines that are read of one prompt; the rest is text."""


class Knobs(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How one answer is given. The docstrings are the reference that `docs/sandbox.md` repeats."""

    delay_ms: Millis = 0
    """Wait before the head of the answer."""
    chunk_ms: Millis = 0
    """Wait before each piece of a stream but the first."""
    chunks: Annotated[int, Meta(ge=0, le=100_000)] = 0
    """Pieces of text in a stream; 0: one per word. A short text is repeated until it suffices."""
    words: Annotated[int, Meta(ge=0, le=100_000)] = 0
    """Length of the answer in words; 0: what was said, once."""
    status: Annotated[int, Meta(ge=400, le=599)] | None = None
    """Answer with this error."""
    retry_after_s: Annotated[int, Meta(ge=0, le=3_600)] | None = None
    """`Retry-After` of the error."""
    cut: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    """Break off after so many pieces; 0: before the head. A unary answer is cut in the middle of its body."""
    stall: Annotated[int, Meta(ge=0, le=100_000)] | None = None
    """Fall silent after so many pieces and keep the line open; 0: before the head."""
    tools: Annotated[int, Meta(ge=0, le=16)] = 0
    """Tool calls to make, of the tools that the request offers, in turn."""


MODELS: Mapping[str, Knobs] = {
    "echo": Knobs(),
    "slow": Knobs(delay_ms=1_000, chunk_ms=200),
    "tools": Knobs(tools=1),
    "error": Knobs(status=500),
    "cut": Knobs(cut=3),
}
"""Every model, as the knobs that it stands for."""

NAMES = tuple(field.name for field in msgspec.structs.fields(Knobs))
_LINE = re.compile(rf"^[ \t]*!({'|'.join(NAMES)})[ \t]+(\d{{1,9}})[ \t]*$\n?", re.MULTILINE)


class BadKnob(Exception):
    """A knob that does not exist or a value out of its range; the text is for the caller."""


class UnknownModel(Exception):
    """No model of this name."""


def read(model: str, prompt: str) -> tuple[str, Knobs, str]:
    """The model's own name, what is asked of it, and the prompt without its knob lines.

    Raises `UnknownModel` and `BadKnob`.
    """
    name, _, text = model.partition(":")
    if name not in MODELS:
        raise UnknownModel(f"The model `{model[:256]}` does not exist in the sandbox; it has {', '.join(MODELS)}.")
    asked: dict[str, Any] = {}
    for part in filter(None, (part.strip() for part in text[:1_024].split(","))):
        knob, equals, value = part.partition("=")
        if not equals or knob not in NAMES:
            raise BadKnob(f"`{part}` is no knob. Write `{name}:knob=number,…` with {', '.join(NAMES)}.")
        asked[knob] = value
    lines: list[str] = []

    def take(found: re.Match[str]) -> str:
        if len(lines) == KNOB_LINES_MAX:
            return found[0]
        lines.append(found[1])
        asked[found[1]] = found[2]
        return ""

    rest = _LINE.sub(take, prompt)
    try:
        knobs = msgspec.convert(msgspec.structs.asdict(MODELS[name]) | asked, Knobs, strict=False)
    except msgspec.ValidationError as error:
        raise BadKnob(f"A knob has no fitting value: {error}.") from error
    return name, knobs, rest.strip("\n")
