"""Seals: signatures and encrypted reasoning, which only the family of models that made them can read.

A caller of another dialect carries a foreign seal in its own field (`signature`, `encrypted_content`,
`thought_signature`) with a tag in front, so that it can be told apart when it comes back: it is replayed unchanged to
its family and stripped when the call is routed elsewhere.
"""

import re

import msgspec

_TAG = re.compile(r"fgw1\.([a-z0-9_-]{1,32})\.(.*)", re.DOTALL)


class Sealed(msgspec.Struct, frozen=True, gc=False):
    """One seal."""

    family: str
    """Who can read it: `anthropic`, `openai`, `gemini`, `xai`, …: the family of the lane that made it."""
    data: str
    """As the provider sent it."""


def tagged(sealed: Sealed, native: str) -> str:
    """The text that a caller carries: bare where it belongs to the caller's own family `native`, tagged otherwise."""
    return sealed.data if sealed.family == native else f"fgw1.{sealed.family}.{sealed.data}"


def untagged(text: str, native: str) -> Sealed:
    """A seal from the text that a caller carried; without a tag it is one of the family `native`."""
    found = _TAG.fullmatch(text)
    return Sealed(found[1], found[2]) if found else Sealed(native, text)
