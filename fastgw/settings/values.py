"""The settings as frozen values, with their defaults. Names carry units; every wait, buffer and map has its limit here."""

from pathlib import Path
from typing import Literal

import msgspec

from fastgw.limits import Limits


class Listen(msgspec.Struct, frozen=True):
    """Where and how clients are served."""

    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 0
    """Worker processes; 0 means one per core."""
    tls_cert: str = ""
    """Path of a PEM certificate chain; with `tls_key` it turns on TLS, where HTTP/2 is chosen by ALPN."""
    tls_key: str = ""
    http: Literal["auto", "1", "2"] = "auto"
    """Versions spoken with clients. `auto` takes HTTP/1.1 and HTTP/2, also without TLS (prior knowledge)."""
    backlog: int = 1024
    trusted_proxies: tuple[str, ...] = ()
    """CIDR blocks whose `X-Forwarded-For` is believed; empty: the peer's address counts."""


class Stores(msgspec.Struct, frozen=True):
    """Where state lives."""

    data_dir: Path = Path(".fastgw")
    redis_url: str = ""
    """`redis://`, `rediss://` or `unix://`; empty starts the embedded server."""
    database_url: str = ""
    """SQLAlchemy URL (`postgresql+psycopg://…`); empty means SQLite in the data folder."""


class Deadlines(msgspec.Struct, frozen=True):
    """How long the gateway waits, in milliseconds."""

    timeout_connect_ms: int = 5_000
    timeout_first_byte_ms: int = 300_000
    timeout_idle_ms: int = 300_000
    timeout_total_ms: int = 3_600_000
    hold_headers_ms: int = 15_000
    """How long a stream's head waits for the first meaningful event before 200 goes out."""
    keepalive_ms: int = 10_000
    """Silence of the provider after which a comment is sent on a stream that has begun."""
    body_progress_ms: int = 30_000
    """A client must send some of its body at least this often."""
    drain_ms: int = 30_000
    """How long running exchanges may go on after SIGTERM."""


class Bounds(msgspec.Struct, frozen=True):
    """Sizes and counts that bound memory."""

    body_bytes_max: int = 32 * 1024 * 1024
    """Of one request, counted after inflating."""
    body_bytes_in_flight_max: int = 512 * 1024 * 1024
    """Of all requests of a worker together; beyond it, 503."""
    nesting_max: int = 128
    answer_bytes_buffered_max: int = 64 * 1024 * 1024
    """Of one unary answer; larger ones are streamed on."""
    exchanges_max: int = 10_000
    """Running exchanges of a worker; beyond it, 503."""


class Guard(msgspec.Struct, frozen=True):
    """Default limits: a guard against runaway loops, not a policy."""

    key: Limits = Limits(
        requests_per_min=600_000,
        requests_burst=60_000,
        tokens_per_min=1_000_000_000,
        tokens_burst=1_000_000_000,
        concurrency=10_000,
    )
    address: Limits = Limits(requests_per_min=1_200_000, requests_burst=120_000, concurrency=20_000)
    wrong_keys_per_min: int = 30
    """Wrong keys that one address may try in a minute before it gets 429."""


class Credential(msgspec.Struct, frozen=True):
    """One secret for a provider."""

    label: str
    """Shown in logs and breakers: `env`, or the name from the TOML file."""
    secret: str

    def __repr__(self) -> str:
        return f"Credential(label={self.label!r}, secret='…')"


class ProviderTls(msgspec.Struct, frozen=True):
    """TLS towards one provider. Empty strings mean the system's defaults."""

    ca_file: str = ""
    client_cert: str = ""
    client_key: str = ""
    verify: bool = True


class ProviderSettings(msgspec.Struct, frozen=True):
    """One provider as configured: a vendor of `fastgw.providers`, or any OpenAI-compatible URL."""

    name: str
    """The first part of `provider/model`."""
    vendor: str
    """Name of the entry in `fastgw.providers`; `openai_compatible` for any other."""
    base_url: str
    credentials: tuple[Credential, ...] = ()
    models: tuple[str, ...] = ()
    """Models to offer besides those that the provider lists."""
    any_model: bool = False
    """Takes any model name unchecked."""
    list_models: bool = True
    """Ask `GET {base_url}/models` in the background."""
    http_version: Literal["auto", "1.1", "2"] = "auto"
    proxy: str = ""
    tls: ProviderTls = ProviderTls()
    headers: dict[str, str] = {}


class ModelSettings(msgspec.Struct, frozen=True):
    """One model or alias from the TOML file."""

    name: str
    """The public name."""
    targets: tuple[str, ...]
    """`provider/model` in order of preference; several make a failover chain."""


class Price(msgspec.Struct, frozen=True):
    """Prices of a model in nano-USD per million tokens; 0 means free."""

    input: int = 0
    output: int = 0
    cache_read: int = 0
    cache_write: int = 0


class Settings(msgspec.Struct, frozen=True):
    """Everything that a process of the gateway needs to know."""

    listen: Listen = Listen()
    stores: Stores = Stores()
    deadlines: Deadlines = Deadlines()
    bounds: Bounds = Bounds()
    guard: Guard = Guard()
    profile: str = "default"
    key_prefix: str = "sk-fgw-"
    transport: Literal["wire", "httpx"] = "wire"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    models_refresh_s: int = 300
    providers: tuple[ProviderSettings, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    prices: dict[str, Price] = {}
    """By `provider/model`; overrides the shipped price book."""
