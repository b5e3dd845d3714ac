"""The records of an exchange: what the journal keeps of it, and the ledger afterwards. Amounts are nano-USD.

In order: `Opened` before the request leaves for the provider, `Hopped` for each attempt that failed before another one
was tried, `Checkpoint` in the middle of a stream, `Closed` at the end.
"""

import enum

import msgspec

from fastgw.errors import ErrorKind
from fastgw.usage import Usage


class Outcome(enum.Enum):
    """How an exchange ended, in one word."""

    OK = "ok"
    UPSTREAM_ERROR = "upstream_error"
    CUT = "cut"
    """The answer began and was not finished by the provider."""
    TIMEOUT = "timeout"
    CLIENT_GONE = "client_gone"
    REFUSED = "refused"
    """The request itself was refused (4xx): by the provider, or because the provider cannot be told it."""
    DRAINED = "drained"
    """The gateway shut down before the answer was finished."""
    ORPHANED = "orphaned"
    """The worker died; what is known is its last checkpoint."""
    INTERNAL = "internal"


class Opened(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="o"):
    """Written before the request leaves for the provider."""

    exchange_id: str
    key_id: str
    model: str
    provider: str
    provider_model: str
    surface: str
    stream: bool
    started_ms: int
    """Wall clock, Unix milliseconds."""
    prompt_tokens_estimate: int
    account_id: str = ""
    purses: int = 0
    hold_nano: int = 0
    group: str = ""


class Hopped(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="h"):
    """An attempt that failed before anything of it was shown, after which the next candidate is tried."""

    exchange_id: str
    number: int
    """Of the attempt, from 1."""
    provider: str
    provider_model: str
    error: ErrorKind
    at_ms: int
    """Wall clock, Unix milliseconds."""
    cost_nano: int
    """What the provider may bill the operator for it, 0 when it refused."""


class Checkpoint(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="p"):
    """What has been delivered so far; written every 64 KB or 5 s of a stream."""

    exchange_id: str
    delivered_bytes: int
    first_byte_ms: int
    output_tokens_estimate: int
    charge_nano: int = 0
    """What the caller owes if nothing more comes of it."""
    cost_nano: int = 0
    """What the operator then owes the provider."""
    prompt_tokens: int = 0
    """The gateway's own count of the prompt, that was charged; 0: as `Opened` says."""


class Closed(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="c"):
    """The end of an exchange: all that its usage row holds. Written before the last byte of the answer leaves."""

    exchange_id: str
    key_id: str
    model: str
    provider: str
    provider_model: str
    surface: str
    stream: bool
    status: int
    """HTTP status that the client got, or would have got (499: it had gone)."""
    outcome: Outcome
    error: ErrorKind | None
    usage: Usage
    usage_estimated: bool
    """The provider reported nothing and the counts are the gateway's own."""
    started_ms: int
    first_byte_ms: int
    """Milliseconds from start to the first meaningful byte of the answer, 0 if none came."""
    total_ms: int
    gateway_us: int
    """The gateway's own time before the first byte went out."""
    attempts: int
    """How many candidates were tried, 0 if none."""
    delivered_bytes: int
    account_id: str = ""
    """Who pays; empty for nobody."""
    purses: int = 0
    """What was held and is now spent: `ACCOUNT_PURSE` | `KEY_PURSE`."""
    hold_nano: int = 0
    charge_nano: int = 0
    """What the caller pays. More than `hold_nano` where something was held: an overage."""
    cost_nano: int = 0
    """What the provider takes for the attempt that answered."""
    unpriced: bool = False
    """Nobody knows the model's price: nothing was charged."""
    group: str = ""


JournalRecord = Opened | Hopped | Checkpoint | Closed
