"""Token counts by class, and searches: the one noun that wire formats and money share.

The buckets of tokens are disjoint: no token is counted in two of them, so that their sum is the provider's total and
each can have a price of its own.
"""

from typing import Self

import msgspec


class Usage(msgspec.Struct, frozen=True, gc=False, array_like=True, omit_defaults=True):
    """What one exchange used. Every field is a count, 0 or more, of tokens but for `searches`; the default is 0."""

    in_text: int = 0
    """Text of the prompt that was neither read from nor written to a provider's cache."""
    in_audio: int = 0
    in_image: int = 0
    cache_read: int = 0
    cache_write_5m: int = 0
    cache_write_1h: int = 0
    out_text: int = 0
    out_reasoning: int = 0
    out_audio: int = 0
    out_image: int = 0
    searches: int = 0
    """Web searches that the provider's own tools made, as many as it bills. They are no tokens, and in none of the sums
    below."""

    @property
    def input_tokens(self) -> int:
        """All tokens that went in, cached ones included."""
        return (
            self.in_text + self.in_audio + self.in_image + self.cache_read + self.cache_write_5m + self.cache_write_1h
        )

    @property
    def output_tokens(self) -> int:
        """All tokens that came out, reasoning included."""
        return self.out_text + self.out_reasoning + self.out_audio + self.out_image

    @property
    def total_tokens(self) -> int:
        """The sum of all buckets of tokens."""
        return self.input_tokens + self.output_tokens

    def __add__(self, other: Self) -> "Usage":
        return Usage(*(getattr(self, f) + getattr(other, f) for f in self.__struct_fields__))


NOTHING = Usage()
