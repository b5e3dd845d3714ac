"""The frozen values that stages hand on. They hold facts about one exchange and know neither I/O nor wire formats.

Order of appearance on the path: `Principal` (auth), `Call` (ingress), `Estimate`, `Hold` and `Grant` or `Denial`
(admission), `Candidate` (routing), `Charge` (settlement). What the journal keeps is in `records`; `Purse` is what the
keeper tells the gate about money. Amounts are integers of nano-USD (10^-9 USD).
"""

import enum
import hashlib
from typing import Literal

import msgspec

from fastgw.limits import Limits
from fastgw.money.amounts import PPM
from fastgw.money.pricing import Pricing
from fastgw.protocols.hub.dialect import Fields, FromPath, Peek
from fastgw.protocols.hub.target import Target


class Quotas(msgspec.Struct, frozen=True, gc=False, omit_defaults=True):
    """What a key may spend, in nano-USD; 0: no quota of this sort. What is held counts as spent."""

    total_nano: int = 0
    """Since the key was made."""
    h5_nano: int = 0
    """In any 5 hours; `d1` in any 24, `d7` in any 168."""
    d1_nano: int = 0
    d7_nano: int = 0
    month_nano: int = 0
    """In a calendar month, UTC."""


class Principal(msgspec.Struct, frozen=True, gc=False):
    """Who calls: one API key as the data plane knows it."""

    key_id: str
    """`key_` and 16 characters; safe to log."""
    digest: str
    """SHA-256 of the key, lower-case hex."""
    epoch: int
    """Counts up with each change of the key; admission refuses a principal of an older epoch."""
    name: str
    limits: Limits
    models: tuple[str, ...] = ()
    """Models that the key may use, as `provider/model`, bare names or patterns with a trailing `*`; empty means all."""
    ips: tuple[str, ...] = ()
    """CIDR blocks that the key may be used from; empty means any."""
    expires_at_s: int = 0
    """Unix seconds from which the key is refused; 0 means never."""
    strict: bool = False
    """A parameter that the provider cannot be told is refused instead of left out."""
    disabled: bool = False
    """Revoked. Kept as a tombstone, so that a revocation outlives a lost message."""
    account_id: str = ""
    """Who pays; empty for a key from before there were accounts, which nobody pays for."""
    prepaid: bool = False
    """The account's balance is limited: nothing runs that it cannot pay for."""
    quotas: Quotas | None = None
    """None: no quota of any sort."""
    group: str = ""
    """Name of the key's group, for usage rows."""
    margin_ppm: int = PPM
    """What the group multiplies prices by, in millionths; 1_000_000 is the price itself."""


class Call(msgspec.Struct, frozen=True, gc=False):
    """What the caller asks for, as far as the gateway has to know it."""

    exchange_id: str
    dialect: str
    """In which it is asked and will be answered: a name of `protocols.registry.CALLERS`."""
    seen: Peek
    said: FromPath
    fields: Fields
    """The top level of the body; nested values are the caller's own bytes."""
    body_bytes: int

    @property
    def surface(self) -> str:
        """What usage rows call it: the dialect's name."""
        return self.dialect

    @property
    def model(self) -> str:
        """The model's name as the caller wrote it."""
        return self.seen.model

    @property
    def stream(self) -> bool:
        """Whether the answer is to come piece by piece."""
        return self.seen.stream


class Estimate(msgspec.Struct, frozen=True, gc=False):
    """An upper bound of what a call may use, from sizes alone. Debited at admission, corrected at settlement."""

    prompt_tokens: int
    output_tokens: int

    @property
    def total(self) -> int:
        """What the token bucket is debited by."""
        return self.prompt_tokens + self.output_tokens


class RateStatus(msgspec.Struct, frozen=True, gc=False):
    """The tightest request and token limit after an admission; becomes the `x-ratelimit-*` headers. 0 limit: none."""

    limit_requests: int = 0
    remaining_requests: int = 0
    reset_requests_ms: int = 0
    limit_tokens: int = 0
    remaining_tokens: int = 0
    reset_tokens_ms: int = 0


class Hold(msgspec.Struct, frozen=True, gc=False):
    """What an exchange may cost: set aside before it runs, from the balance and from the key's quotas alike."""

    want_nano: int
    """For the worst case: the prompt's bound and the output's cap at the dearest price that may apply."""
    least_nano: int
    """The least that is of use: with a cap of the caller's, `want_nano`; else the prompt and a little output."""


ACCOUNT_PURSE = 1
KEY_PURSE = 2


class Ask(msgspec.Struct, frozen=True, gc=False):
    """The question to admission: may this exchange run now?"""

    exchange_id: str
    principal: Principal
    address: str
    """Bucket name of the client's address: an IPv4 address, or the /64 of an IPv6 one."""
    address_limits: Limits
    tokens: int
    """Tokens to debit now (an `Estimate.total`)."""
    requests: int = 1
    """Requests that it stands for: 1, or more when a worker takes some ahead."""
    hold: Hold | None = None
    """What to set aside where the account is prepaid or the key has quotas; None: no money is at stake."""


class Grant(msgspec.Struct, frozen=True, gc=False):
    """Admission said yes; what settlement needs to give back."""

    ask: Ask
    status: RateStatus
    local: bool = False
    """Granted from the worker's own buckets because the store was away; nothing to give back there."""
    hold_nano: int = 0
    """What was set aside: `least_nano` to `want_nano` of the ask; 0 where nothing had to be."""
    purses: int = 0
    """What it was set aside from: `ACCOUNT_PURSE` | `KEY_PURSE`."""


class Reason(enum.Enum):
    """Why admission said no."""

    KEY_REQUESTS = "key_requests"
    KEY_TOKENS = "key_tokens"
    KEY_CONCURRENCY = "key_concurrency"
    ADDRESS_REQUESTS = "address_requests"
    ADDRESS_TOKENS = "address_tokens"
    ADDRESS_CONCURRENCY = "address_concurrency"
    STALE_KEY = "stale_key"
    """The store knows a newer epoch of the key: read it again, then ask again."""
    STORE_AWAY = "store_away"
    REBUILDING = "rebuilding"
    """The store has lost what it knew of the account's or key's money, and does not have it back yet."""
    BALANCE = "balance"
    """The account cannot pay for it."""
    QUOTA_TOTAL = "quota_total"
    QUOTA_5H = "quota_5h"
    QUOTA_1D = "quota_1d"
    QUOTA_7D = "quota_7d"
    QUOTA_MONTH = "quota_month"


class Denial(msgspec.Struct, frozen=True, gc=False):
    """Admission said no."""

    reason: Reason
    retry_after_ms: int
    """When it may succeed, 0 if waiting does not help."""
    status: RateStatus
    left_nano: int = 0
    """Where money is the reason: what is left of the balance or quota, 0 or more."""


def worker_number(journal: str) -> int:
    """The number by which the gate knows the worker that writes this journal: 48 bits, 1 or more."""
    return int.from_bytes(hashlib.sha256(journal.encode()).digest()[:6], "big") | 1


class Purse(msgspec.Struct, frozen=True, gc=False):
    """What the keeper tells the gate about one account's balance, or about what one key has spent (docs/adr/0008)."""

    name: str
    """Id of the account or key."""
    version: int
    """Counts up with each posting to it."""
    journals_version: int
    """Counts up with each journal that is registered or finished, in the whole deployment."""
    drained: tuple[tuple[int, int], ...]
    """For each journal that is not finished: its worker's number at the gate, and what of that worker's spending from
    this purse is in the figures below already."""
    balance_nano: int = 0
    """Of an account; may be negative."""
    spent_nano: int = 0
    """By a key, since it was made."""
    month_until_s: int = 0
    """Unix seconds at which the month ends that `month_nano` is about."""
    month_nano: int = 0
    leaving: tuple[tuple[tuple[int, int], ...], ...] = ((), (), ())
    """For the windows of 5 h, 1 d and 7 d: when (Unix seconds) which amount leaves the window, soonest first."""


class Candidate(msgspec.Struct, frozen=True, gc=False):
    """One way to serve a call: a model at a provider, reached with one credential."""

    provider: str
    model: str
    """The provider's own name of the model."""
    public_model: str
    """`provider/model`, the name in usage rows and lists."""
    credential: str
    """Label of the credential (never the secret); breakers and logs use it."""
    origin: str
    """`scheme://host[:port]`, lower case."""
    path: bytes
    """Path and query of the endpoint at the provider, as it goes into the request line."""
    headers: tuple[tuple[bytes, bytes], ...]
    """Credential and fixed headers, names in lower case. Secret: never logged."""
    dialect: str = "chat"
    """Spoken at that endpoint: a name of `protocols.registry.PROVIDERS`."""
    path_stream: bytes = b""
    """The same for streams, where they have a path of their own; else empty."""
    count_path: bytes = b""
    """Where tokens are counted at that endpoint; empty: nowhere."""
    target: Target = Target(model="", dialect="chat")
    """What translations into that dialect have to know."""
    signer: str = ""
    """Name of the signer that each request goes through; empty when `headers` carry the whole credential."""
    http_version: Literal["auto", "1.1", "2"] = "auto"
    tls: str = ""
    """Name of the provider's TLS settings (custom CA, client certificate); empty for the default."""
    proxy: str = ""
    """URL of an HTTP proxy to go through; empty for none."""
    pricing: Pricing | None = None
    """What the provider takes for the model, None when nobody knows. The caller pays it too, with the margin of the
    key's group, unless the name that was asked for has a price of its own (`Catalog.pricing`)."""
    context_length: int = 0
    """Tokens that the model takes at most, 0 when unknown."""
    max_output: int = 0
    """Tokens that it gives at most, 0 when unknown."""
    drain_ms: int = 0
    """How long to go on reading after the caller has gone, to learn the true usage; 0: not at all."""

    def __repr__(self) -> str:
        return f"Candidate({self.public_model!r} at {self.origin!r} with {self.credential!r})"


class Charge(msgspec.Struct, frozen=True, gc=False):
    """What an exchange comes to, in nano-USD."""

    charge_nano: int = 0
    """For who asked."""
    cost_nano: int = 0
    """For the operator, at the provider."""
    unpriced: bool = False
    """Nobody knows what the model costs."""
