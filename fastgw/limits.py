"""The limits that a key or an address may have: a leaf, so that settings and exchange values share it."""

from typing import Annotated

import msgspec

Limit = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000_000)]


class Limits(msgspec.Struct, frozen=True, gc=False):
    """Limits of one key or of one client address. 0 means: no limit of this sort."""

    requests_per_min: Limit = 0
    """How many requests may come in a minute, evenly spread; 0 for no limit."""
    requests_burst: Limit = 0
    """How many requests may come at once; 0 takes `requests_per_min`."""
    tokens_per_min: Limit = 0
    """How many tokens may be asked for in a minute, evenly spread; 0 for no limit."""
    tokens_burst: Limit = 0
    """How many tokens may be asked for at once; 0 takes `tokens_per_min`."""
    concurrency: Limit = 0
    """How many exchanges may run at the same time; 0 for no limit."""
