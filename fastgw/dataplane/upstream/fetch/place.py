"""A caller's URL, taken apart once and strictly, so that what is checked is what is connected to."""

import ipaddress
import re
from urllib.parse import quote, urlsplit

import msgspec

URL_CHARS_MAX = 8_192
PORTS = {"http": 80, "https": 443}

# Parsers differ about these, and none belongs in a URL (RFC 3986 section 2).
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")
_NAME = re.compile(
    r"(?=.{1,253}\.?\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?"
)
_ALLOWED = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^:\[\]/@\s]+)(?::(\d{1,5}))?")


class Unfit(Exception):
    """A URL that is never fetched; the text says why and may be shown to the caller."""


class Place(msgspec.Struct, frozen=True):
    """Where a URL leads."""

    scheme: str
    """`http` or `https`."""
    host: str
    """A name in ASCII or an address literal without brackets, lower case."""
    port: int
    target: bytes
    """Path and query as on the request line."""

    @property
    def origin(self) -> str:
        """`scheme://host:port`, as the transport takes it; that leaves a usual port out of the header `host`."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}:{self.port}"


def place_of(url: str, allow_hosts: frozenset[tuple[str, int]]) -> Place:
    """The place of `url`; ports other than those of the schemes only as `allow_hosts` has them. Raises `Unfit`."""
    if len(url) > URL_CHARS_MAX or _UNFIT.search(url):
        raise Unfit("its URL is not valid")
    try:
        parts = urlsplit(url)
        port = parts.port
        host = _host(parts.hostname or "")
        if ("[" in parts.netloc) != (":" in host):
            raise ValueError("brackets are for IPv6 addresses alone")
    except ValueError as error:
        raise Unfit("its URL is not valid") from error
    if parts.scheme not in PORTS:
        raise Unfit("only http and https URLs are fetched")
    if parts.username is not None or parts.password is not None:
        raise Unfit("a URL with a user name or password is not fetched")
    port = PORTS[parts.scheme] if port is None else port
    if port not in PORTS.values() and (host, port) not in allow_hosts:
        raise Unfit("only the ports 80 and 443 are allowed")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return Place(parts.scheme, host, port, target.encode())


def hosts_allowed(entries: frozenset[str]) -> frozenset[tuple[str, int]]:
    """Host and port of each `host` (which stands for both usual ports) or `host:port`. Raises `ValueError`."""
    allowed: set[tuple[str, int]] = set()
    for entry in entries:
        found = _ALLOWED.fullmatch(entry)
        if found is None:
            raise ValueError(f"neither a host nor host:port: {entry!r}")
        host = _host(found[1].strip("[]"))
        allowed.update((host, port) for port in ([int(found[2])] if found[2] else PORTS.values()))
    return frozenset(allowed)


def shown(url: str) -> str:
    """The host that a URL names, fit for a message; without credentials, path or anything that is no host."""
    try:
        return _host(urlsplit(url[:URL_CHARS_MAX]).hostname or "")[:100]
    except ValueError:
        return "an unknown host"


def _host(name: str) -> str:
    """In the one form under which it is looked up, checked and shown. Raises `ValueError`."""
    if ":" in name:
        address = ipaddress.IPv6Address(name)
        if address.scope_id is not None:
            raise ValueError("an address with a zone")
        return str(address)
    name = (name if name.isascii() else name.encode("idna").decode()).lower()
    if not _NAME.fullmatch(name):
        raise ValueError("not a host name")
    return name.rstrip(".")
