"""The frozen values that stages hand on. They hold facts about one exchange and know neither I/O nor wire formats.

Order of appearance on the path: `Principal` (auth), `Call` (ingress), `Estimate` and `Grant` or `Denial` (admission),
`Candidate` (routing), `Opened`, `Checkpoint` and `Closed` (settlement; these three are what the journal keeps).
"""

import enum
from typing import Literal

import msgspec

from fastgw.errors import ErrorKind
from fastgw.limits import Limits
from fastgw.protocols.hub.dialect import Fields, FromPath, Peek
from fastgw.protocols.hub.target import Target
from fastgw.usage import Usage


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


class Grant(msgspec.Struct, frozen=True, gc=False):
    """Admission said yes; what settlement needs to give back."""

    ask: Ask
    status: RateStatus
    local: bool = False
    """Granted from the worker's own buckets because the store was away; nothing to give back there."""


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


class Denial(msgspec.Struct, frozen=True, gc=False):
    """Admission said no."""

    reason: Reason
    retry_after_ms: int
    """When it may succeed, 0 if waiting does not help."""
    status: RateStatus


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

    def __repr__(self) -> str:
        return f"Candidate({self.public_model!r} at {self.origin!r} with {self.credential!r})"


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


class Checkpoint(msgspec.Struct, frozen=True, gc=False, array_like=True, tag="p"):
    """What has been delivered so far; written every 64 KB or 5 s of a stream."""

    exchange_id: str
    delivered_bytes: int
    first_byte_ms: int
    output_tokens_estimate: int


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


JournalRecord = Opened | Checkpoint | Closed
