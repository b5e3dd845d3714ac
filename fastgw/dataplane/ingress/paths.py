"""What a Gemini path says: which model, and what to do with it.

The path is the ASGI server's, percent-decoded once. A name in it is data: where it goes on to a provider it is encoded
again, and what could still be taken for another path is no name at all here.
"""

import re
from typing import Literal, get_args

import msgspec

from fastgw.protocols.hub.dialect import Framing, FromPath

Action = Literal["generateContent", "streamGenerateContent", "countTokens", "embedContent", "batchEmbedContents"]
ACTIONS: frozenset[str] = frozenset(get_args(Action))
MODEL_LENGTH_MAX = 256

_UNSAFE = re.compile(r"[\x00-\x20\x7f\\%?#]|[^\S ]|[\ud800-\udfff]")
_ALT_SSE = re.compile(rb"(?:^|&)(?:\$|%24)?alt=sse(?:&|$)", re.IGNORECASE)


class GeminiPath(msgspec.Struct, frozen=True, gc=False):
    """A model and what to do with it; `action` is empty where the path ends with the model's name."""

    model: str
    """As in the catalogue, without `models/`. Tuned models keep their `tunedModels/`, which is part of the name."""
    action: Action | Literal[""] = ""


def gemini_path(rest: str) -> GeminiPath | None:
    """Read what follows `/v1beta/` or `/v1beta/models/`; None if that names no model.

    A model's name may hold `/` and `:`, so it ends at the last colon, and only when an action follows.
    """
    head, colon, tail = rest.rpartition(":")
    model, action = (head, tail) if colon and tail in ACTIONS else (rest, "")
    model = model.removeprefix("models/")
    if not model or len(model) > MODEL_LENGTH_MAX or _UNSAFE.search(model):
        return None
    if any(segment in {"", ".", ".."} for segment in model.split("/")):
        return None
    return GeminiPath(model, action)  # type: ignore[arg-type]  # a member of ACTIONS, or empty


def said_by(path: GeminiPath, query: bytes) -> FromPath:
    """What path and query together say outside of the body."""
    return FromPath(model=path.model, stream=path.action == "streamGenerateContent", framing=framing_in(query))


def framing_in(query: bytes) -> Framing:
    """How a stream is to be framed: Google sends one JSON array unless `alt=sse` asks for events."""
    return "sse" if _ALT_SSE.search(query) else "array"
