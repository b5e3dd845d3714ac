"""The settings as frozen values, with their defaults. Names carry units; every wait, buffer and map has its limit here.

The annotations are the limits that the loader enforces, and the docstrings are the text of the generated reference.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from fastgw.limits import Limits
from fastgw.settings.money import GroupSettings, MoneySettings, Payments
from fastgw.settings.prices import Price

Port = Annotated[int, Meta(ge=0, le=65_535)]
Millis = Annotated[int, Meta(ge=1, le=86_400_000)]
"""A wait: at least 1 ms, at most a day."""
Count = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Bytes = Annotated[int, Meta(ge=1_024, le=1 << 40)]
HttpVersion = Literal["auto", "1.1", "2"]
DrainSeconds = Annotated[int, Meta(ge=0, le=600)]
Name = Annotated[str, Meta(min_length=1, max_length=256)]


class Listen(msgspec.Struct, frozen=True):
    """Where and how clients are served."""

    host: str = "127.0.0.1"
    """Address to listen on; `0.0.0.0` or `::` for all."""
    port: Port = 8080
    """TCP port; 0 lets the system choose one."""
    workers: Annotated[int, Meta(ge=0, le=1_024)] = 0
    """Worker processes; 0 means one per core."""
    tls_cert: str = ""
    """Path of a PEM certificate chain; with `tls_key` it turns on TLS, where HTTP/2 is chosen by ALPN."""
    tls_key: str = ""
    """Path of the PEM key that belongs to `tls_cert`."""
    http: Literal["auto", "1", "2"] = "auto"
    """Versions spoken with clients. `auto` takes HTTP/1.1 and HTTP/2, also without TLS (prior knowledge)."""
    backlog: Annotated[int, Meta(ge=128, le=65_535)] = 1024
    """Connections that may wait to be accepted."""
    trusted_proxies: tuple[str, ...] = ()
    """CIDR blocks whose `X-Forwarded-For` is believed; empty: the peer's address counts."""


class Stores(msgspec.Struct, frozen=True):
    """Where state lives."""

    data_dir: Path = Path(".fastgw")
    """Folder of the database, the journals and the embedded store; relative to the working directory."""
    redis_url: str = ""
    """`redis://`, `rediss://` or `unix://`; empty starts the embedded server."""
    database_url: str = ""
    """URL of the database (`postgresql://…`); empty means SQLite in the data folder."""


class Deadlines(msgspec.Struct, frozen=True):
    """How long the gateway waits, in milliseconds."""

    timeout_connect_ms: Millis = 5_000
    """For a connection to a provider, TLS included."""
    timeout_first_byte_ms: Millis = 300_000
    """From a request's last byte to the head of the provider's answer."""
    timeout_idle_ms: Millis = 300_000
    """Between two reads of a provider's answer."""
    timeout_total_ms: Millis = 3_600_000
    """For a whole exchange."""
    hold_headers_ms: Millis = 15_000
    """How long a stream's head waits for the first meaningful event before 200 goes out."""
    keepalive_ms: Millis = 10_000
    """Silence of the provider after which a comment is sent on a stream that has begun."""
    body_progress_ms: Millis = 30_000
    """A client must send some of its body at least this often."""
    unready_ms: Annotated[int, Meta(ge=0, le=86_400_000)] = 0
    """How long a worker goes on accepting after SIGTERM while `/readyz` fails already, so that a balancer notices."""
    drain_ms: Millis = 30_000
    """How long running exchanges may go on after SIGTERM."""


class Bounds(msgspec.Struct, frozen=True):
    """Sizes and counts that bound memory."""

    body_bytes_max: Bytes = 32 * 1024 * 1024
    """Of one request, counted after inflating."""
    body_bytes_in_flight_max: Bytes = 512 * 1024 * 1024
    """Of all requests of a worker together; beyond it, 503."""
    nesting_max: Annotated[int, Meta(ge=8, le=512)] = 128
    """How deep the JSON of a request may be nested."""
    answer_bytes_buffered_max: Bytes = 64 * 1024 * 1024
    """Of one unary answer; larger ones are streamed on."""
    exchanges_max: Count = 10_000
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
    """Of a key that has none of its own."""
    address: Limits = Limits(requests_per_min=1_200_000, requests_burst=120_000, concurrency=20_000)
    """Of one client address: an IPv4 address, or the /64 of an IPv6 one."""
    wrong_keys_per_min: Annotated[int, Meta(ge=0, le=1_000_000)] = 30
    """Wrong keys that one address may try in a minute before it gets 429."""
    fetch_hosts: tuple[str, ...] = ()
    """Hosts (`name` or `name:port`) inside the operator's network that media named by URL may be fetched from. Without
    them only public addresses at the ports 80 and 443 are reached."""


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
    """Path of PEM certificates to trust in place of the system's."""
    client_cert: str = ""
    """Path of a PEM certificate to show to the provider; needs `client_key`."""
    client_key: str = ""
    """Path of the PEM key that belongs to `client_cert`."""
    verify: bool = True
    """False accepts any certificate: for tests only."""


class ProviderSettings(msgspec.Struct, frozen=True):
    """One provider as configured: a vendor of `fastgw.providers`, or any OpenAI-compatible URL."""

    name: str
    """The first part of `provider/model`."""
    vendor: str
    """Name of the entry in `fastgw.providers`; `openai_compatible` for any other."""
    base_url: str
    """With the version path, without a trailing slash. Empty only for a sandbox that is not running yet."""
    credentials: tuple[Credential, ...] = ()
    models: tuple[str, ...] = ()
    """Models to offer besides those that the provider lists."""
    any_model: bool = False
    """Takes any model name unchecked."""
    list_models: bool = True
    """Ask `GET {base_url}/models` in the background."""
    http_version: HttpVersion = "auto"
    proxy: str = ""
    tls: ProviderTls = ProviderTls()
    headers: dict[str, str] = {}
    speaks: tuple[str, ...] = ()
    """Dialects that the server has, in order of preference; empty: those of its vendor."""
    abilities: dict[str, Any] = {}
    """Fields of `protocols.hub.target.Abilities` that are other than the vendor's."""
    api_version: str = ""
    """Of vendors that want one in their URLs (Azure OpenAI)."""
    region: str = ""
    """Where the vendor has several; signatures of AWS name it."""
    drain_on_disconnect_s: DrainSeconds = 0

    def __repr__(self) -> str:
        return f"ProviderSettings(name={self.name!r}, vendor={self.vendor!r}, base_url={self.base_url!r}, …)"


class ModelSettings(msgspec.Struct, frozen=True):
    """One model or alias from the TOML file."""

    name: Name
    """The public name."""
    targets: tuple[str, ...]
    """`provider/model` in order of preference; several make a failover chain."""


class Settings(msgspec.Struct, frozen=True):
    """Everything that a process of the gateway needs to know."""

    listen: Listen = Listen()
    stores: Stores = Stores()
    deadlines: Deadlines = Deadlines()
    bounds: Bounds = Bounds()
    guard: Guard = Guard()
    money: MoneySettings = MoneySettings()
    payments: Payments = Payments()
    profile: str = "default"
    """Named deployment whose settings lie below the file's: see `fastgw/profiles`."""
    key_prefix: str = "sk-fgw-"
    """What new API keys begin with, up to 32 letters, digits, `-` and `_`."""
    insufficient_status: Literal[402, 403] = 402
    """HTTP status of an exhausted balance or quota; the code is `insufficient_quota` either way."""
    admin_token: str = ""
    """Secret of the admin API, at least 16 characters; empty turns that API off."""
    admin_token_file: str = ""
    """Path of a file that holds it."""
    transport: Literal["wire", "httpx"] = "wire"
    """What carries requests to providers."""
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    """The least severe messages that are written."""
    models_refresh_s: Annotated[int, Meta(ge=5, le=86_400)] = 300
    """Seconds between two looks at the providers' model lists."""
    providers: tuple[ProviderSettings, ...] = ()
    models: tuple[ModelSettings, ...] = ()
    prices: dict[str, Price] = {}
    """By `provider/model`, which overrides the shipped price book, or by a name of `models`, which gives that name a
    price of its own."""
    groups: dict[str, GroupSettings] = {}
    """By name; a key without a group pays the price itself."""

    def __repr__(self) -> str:
        return f"Settings(profile={self.profile!r}, providers={self.providers!r}, …)"
