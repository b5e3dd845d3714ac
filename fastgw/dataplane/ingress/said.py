"""What a caller says outside of the body: Anthropic's version and beta headers, and what it wants to hear of costs."""

from fastgw.protocols.hub.dialect import FromPath

NOTHING_SAID = FromPath()
BETAS_MAX = 64
"""Names in `anthropic-beta` that are read."""


def said_in(headers: list[tuple[bytes, bytes]]) -> FromPath:
    """From raw headers, names in lower case. Without such headers always the same object."""
    version = ""
    betas: list[str] = []
    for name, value in headers:
        # Two comparisons cost half as much as a common prefix; each call passes here with some twenty headers.
        if name == b"anthropic-version":
            version = value.decode("latin-1").strip()[:32]
        elif name == b"anthropic-beta":
            betas += (item for part in value.decode("latin-1").split(",") if (item := part.strip()[:64]))
    return FromPath(version=version, betas=tuple(betas[:BETAS_MAX])) if version or betas else NOTHING_SAID


def cost_wish(headers: list[tuple[bytes, bytes]]) -> str:
    """How a stream is to tell its cost: `x-fastgw-cost: comment` or `event`; empty: not at all."""
    for name, value in headers:
        if name == b"x-fastgw-cost":
            wish = value.decode("latin-1").strip().lower()
            return wish if wish in ("comment", "event") else ""
    return ""
