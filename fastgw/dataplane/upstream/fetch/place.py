"""A caller's URL, taken apart once and strictly, so that what is checked is what is connected to."""

import re
from urllib.parse import quote, urlsplit

import msgspec

from fastgw.settings.hosts import WEB_PORTS, host_of

URL_CHARS_MAX = 8_192

# Parsers differ about these, and none belongs in a URL (RFC 3986 section 2).
_UNFIT = re.compile(r"[\x00-\x20\x7f\\]")


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
        host = host_of(parts.hostname or "")
        if ("[" in parts.netloc) != (":" in host):
            raise ValueError("brackets are for IPv6 addresses alone")
    except ValueError as error:
        raise Unfit("its URL is not valid") from error
    if parts.scheme not in WEB_PORTS:
        raise Unfit("only http and https URLs are fetched")
    if parts.username is not None or parts.password is not None:
        raise Unfit("a URL with a user name or password is not fetched")
    port = WEB_PORTS[parts.scheme] if port is None else port
    if port not in WEB_PORTS.values() and (host, port) not in allow_hosts:
        raise Unfit("only the ports 80 and 443 are allowed")
    target = quote(parts.path or "/", safe="/%:@!$&'()*+,;=~-._")
    if parts.query:
        target += "?" + quote(parts.query, safe="/?%:@!$&'()*+,;=~-._[]")
    return Place(parts.scheme, host, port, target.encode())


def shown(url: str) -> str:
    """The host that a URL names, fit for a message; without credentials, path or anything that is no host."""
    try:
        return host_of(urlsplit(url[:URL_CHARS_MAX]).hostname or "")[:100]
    except ValueError:
        return "an unknown host"
