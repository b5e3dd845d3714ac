"""The limits that a key or an address may have: a leaf, so that settings and exchange values share it."""

import msgspec


class Limits(msgspec.Struct, frozen=True, gc=False):
    """Limits of one key or of one client address. 0 means: no limit of this sort."""

    requests_per_min: int = 0
    requests_burst: int = 0
    """How many requests may come at once; 0 takes `requests_per_min`."""
    tokens_per_min: int = 0
    tokens_burst: int = 0
    """How many tokens may be asked for at once; 0 takes `tokens_per_min`."""
    concurrency: int = 0
    """How many exchanges may run at the same time."""
