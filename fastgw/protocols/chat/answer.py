"""The unary answer of chat completions: whether it is one, and what it used."""

import re

import msgspec

from fastgw.protocols.chat.usage import UNREADABLE, WireUsage, normalise, read_usage
from fastgw.protocols.hub.dialect import Reading
from fastgw.usage import Usage

__all__ = ["Reading", "read_answer", "usage_in_tail"]

_ABSENT = msgspec.Raw(b"")
_NOTHING = (b"", b"null")


class _Choice(msgspec.Struct):
    finish_reason: str | None = None


class _Answer(msgspec.Struct):
    choices: list[_Choice] | None = None
    usage: WireUsage | None = None
    error: msgspec.Raw = _ABSENT


_decoder = msgspec.json.Decoder(_Answer)
_loose = msgspec.json.Decoder(dict[str, msgspec.Raw])
_TAIL_USAGE = re.compile(rb'"usage"\s*:\s*(\{(?:[^{}]|\{[^{}]*\})*\})')


def read_answer(body: bytes) -> Reading:
    """Look at a whole answer. Its bytes are relayed as they are; this only decides whether they are worth relaying."""
    try:
        answer = _decoder.decode(body)
    except msgspec.ValidationError:
        return _read_loosely(body)
    except UNREADABLE:
        return Reading(valid=False)
    failed = bytes(answer.error) not in _NOTHING
    usage = normalise(answer.usage) if answer.usage else None
    return Reading(valid=answer.choices is not None and not failed, error=failed, usage=usage)


def usage_in_tail(tail: bytes) -> Usage | None:
    """The usage object in the last bytes of an answer that was too large to hold as a whole."""
    found = _TAIL_USAGE.findall(tail)
    return read_usage(found[-1]) if found else None


def _read_loosely(body: bytes) -> Reading:
    """For an answer whose details have unexpected types: the caller may understand it, so only its frame is checked."""
    try:
        fields = _loose.decode(body)
    except UNREADABLE:
        return Reading(valid=False)
    failed = "error" in fields and bytes(fields["error"]) not in _NOTHING
    usage = read_usage(fields["usage"]) if "usage" in fields else None
    return Reading(valid="choices" in fields and not failed, error=failed, usage=usage)
