"""Every dialect by its name: as callers speak it, and as providers do."""

from collections.abc import Mapping

from fastgw.protocols.chat.dialect import DIALECT as CHAT
from fastgw.protocols.completions.dialect import DIALECT as COMPLETIONS
from fastgw.protocols.converse.dialect import DIALECT as CONVERSE
from fastgw.protocols.gemini.dialect import DIALECT as GEMINI
from fastgw.protocols.hub.dialect import CallerDialect, Framing, ProviderDialect, Tap
from fastgw.protocols.hub.target import Target
from fastgw.protocols.messages.dialect import DIALECT as MESSAGES
from fastgw.protocols.responses.compaction import DIALECT as COMPACT
from fastgw.protocols.responses.dialect import DIALECT as RESPONSES

_CALLERS: tuple[CallerDialect, ...] = (CHAT, COMPLETIONS, RESPONSES, COMPACT, MESSAGES, GEMINI)
_PROVIDERS: tuple[ProviderDialect, ...] = (CHAT, COMPLETIONS, RESPONSES, COMPACT, MESSAGES, GEMINI, CONVERSE)

CALLERS: Mapping[str, CallerDialect] = {dialect.name: dialect for dialect in _CALLERS}
"""In which callers ask."""
PROVIDERS: Mapping[str, ProviderDialect] = {dialect.name: dialect for dialect in _PROVIDERS}
"""In which providers answer."""


def untouched(dialect: str, target: Target) -> bool:
    """Whether what a caller of `dialect` says and hears passes as it is: the lane speaks it, and has no oddity that
    only a translation undoes."""
    return dialect == target.dialect and not target.abilities.think_tags


def tap(dialect: str, *, hide_usage: bool, framing: Framing) -> Tap:
    """For one stream that is relayed untouched to a caller who wants it framed so; an array is Gemini's alone."""
    if framing == "array":
        return GEMINI.tap(hide_usage=hide_usage, framing=framing)
    return PROVIDERS[dialect].tap(hide_usage=hide_usage)
