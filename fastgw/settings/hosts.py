"""Names of hosts in one form, and lists of hosts with or without a port."""

import ipaddress
import re
from collections.abc import Iterable

WEB_PORTS = {"http": 80, "https": 443}

_NAME = re.compile(
    r"(?=.{1,253}\.?\Z)(?:[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.)*[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?\.?"
)
_ENTRY = re.compile(r"(?:\[([0-9A-Fa-f.]*:[0-9A-Fa-f:.]*)\]|([^:\[\]/@\s]+))(?::(\d{1,5}))?")


def host_of(name: str) -> str:
    """A name or an address literal without brackets in the one form under which it is looked up, checked and shown.

    That is lower case, names in ASCII (IDNA) without a dot at the end. Raises `ValueError`.
    """
    if ":" in name:
        address = ipaddress.IPv6Address(name)
        if address.scope_id is not None:
            raise ValueError("an address with a zone")
        return str(address)
    name = (name if name.isascii() else name.encode("idna").decode()).lower()
    if not _NAME.fullmatch(name):
        raise ValueError("not a host name")
    return name.rstrip(".")


def hosts_and_ports(entries: Iterable[str]) -> frozenset[tuple[str, int]]:
    """Host and port of each `host` (which stands for the ports 80 and 443) or `host:port`. Raises `ValueError`."""
    listed: set[tuple[str, int]] = set()
    for entry in entries:
        found = _ENTRY.fullmatch(entry)
        if found is None or int(found[3] or 1) not in range(1, 65_536):
            raise ValueError(f"neither a host nor host:port: {entry!r}")
        host = host_of(found[1] or found[2])
        listed.update((host, port) for port in ([int(found[3])] if found[3] else WEB_PORTS.values()))
    return frozenset(listed)
