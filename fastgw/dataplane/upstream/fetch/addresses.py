"""Which addresses a caller's URL may lead to: the public internet, and nothing of the operator's.

Python's `is_global` is not asked: what it says has changed between patch releases (CVE-2024-4032). The blocks are those
of the IANA special-purpose registries for IPv4 and IPv6 (2026-11), and a public address that is a cloud's inside.
"""

import ipaddress

from fastgw.dataplane.upstream.wire.names import AddressInfo

_CLOSED_4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8",  # this network; Linux takes 0.0.0.0 for loopback
            "10.0.0.0/8",
            "100.64.0.0/10",  # carriers' NAT; Alibaba's metadata at 100.100.100.200
            "127.0.0.0/8",
            "168.63.129.16/32",  # Azure's wire server, reachable from inside only, though the address is public
            "169.254.0.0/16",  # link-local; metadata of AWS, GCP, Azure and others at 169.254.169.254
            "172.16.0.0/12",
            "192.0.0.0/24",  # protocol assignments; Oracle's metadata at 192.0.0.192
            "192.0.2.0/24",
            "192.31.196.0/24",
            "192.52.193.0/24",
            "192.88.99.0/24",  # the relays of 6to4
            "192.168.0.0/16",
            "192.175.48.0/24",
            "198.18.0.0/15",  # benchmarks; some VPNs' inside
            "198.51.100.0/24",
            "203.0.113.0/24",
            "224.0.0.0/4",  # multicast
            "240.0.0.0/4",  # reserved, and broadcast
        ),
    )
)
_OPEN_6 = ipaddress.IPv6Network("2000::/3")
"""All that is given out for the internet; loopback, link-local, unique local, multicast and the rest lie outside."""
_CLOSED_6 = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # Teredo, ORCHID, benchmarks
            "2001:db8::/32",
            "2002::/16",  # 6to4: an IPv4 address in disguise, of no use any more
            "3fff::/20",
        ),
    )
)
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052: where only IPv6 is spoken, DNS64 gives every IPv4 host an address in it. The IPv4 address decides."""


class NotPublic(OSError):
    """A host has an address that may not be connected to. The text names it: for the log only."""


def is_public(address: str) -> bool:
    """Whether an address literal belongs to the public internet; False for what is no address."""
    try:
        known = ipaddress.ip_address(address)
    except ValueError:
        return False
    if isinstance(known, ipaddress.IPv6Address):
        if known.scope_id is not None:
            return False
        inner = known.ipv4_mapped
        if inner is None and known in _NAT64:
            inner = ipaddress.IPv4Address(known.packed[12:])
        if inner is None:
            return known in _OPEN_6 and not any(known in block for block in _CLOSED_6)
        known = inner
    return not any(known in block for block in _CLOSED_4)


class Guard:
    """The transport's filter: asked with a host's addresses right before one of exactly these is connected to."""

    def __init__(self, allow_hosts: frozenset[tuple[str, int]]) -> None:
        """`allow_hosts` may have any address, by host and port."""
        self._allow_hosts = allow_hosts

    def __call__(self, host: str, found: list[AddressInfo]) -> list[AddressInfo]:
        """All of `found`, or none: a host that is half inside is not to be trusted. Raises `NotPublic`."""
        for info in found:
            address, port = info[4][0], info[4][1]
            if not is_public(address) and (host, port) not in self._allow_hosts:
                raise NotPublic(f"{host} has the address {address}")
        return found
