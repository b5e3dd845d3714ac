"""Which client a request comes from, behind proxies that are trusted by configuration."""

import ipaddress
from typing import NamedTuple

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address

_MEMO_ENTRIES_MAX = 4096
_FORWARDED_BYTES_MAX = 2048
"""Only the right end of a longer `X-Forwarded-For` is looked at: that is the end which trusted proxies write."""


class Client(NamedTuple):
    """The client of one request."""

    address: str
    """Its IP address in canonical form, IPv4-mapped IPv6 as IPv4; empty if the peer has none (a unix socket)."""
    bucket: str
    """What limits count by: the IPv4 address, or the /64 of an IPv6 one (one subscriber has at least that much)."""


class Addresses:
    """Finds the client's address from the peer and `X-Forwarded-For`.

    The header is believed only from a peer in `trusted_proxies` (CIDR blocks), and read from the right: the first
    address that is not a trusted proxy is the client; whatever stands left of it the client may have made up. An entry
    that is no address ends the search at the proxy that passed it on. Results are memoised, at most
    4,096 of them.
    """

    def __init__(self, trusted_proxies: tuple[str, ...] = ()) -> None:
        self._trusted = networks(trusted_proxies)
        self._memo: dict[tuple[str, bytes], Client] = {}

    def client(self, peer: str, headers: list[tuple[bytes, bytes]]) -> Client:
        """The client behind `peer` (the socket's other end as text; empty for a unix socket)."""
        forwarded = b""
        if self._trusted:
            forwarded = b",".join([value for name, value in headers if name == b"x-forwarded-for"])
            forwarded = forwarded[-_FORWARDED_BYTES_MAX:]
        found = self._memo.get((peer, forwarded))
        if found is None:
            found = self._find(peer, forwarded)
            if len(self._memo) >= _MEMO_ENTRIES_MAX:
                self._memo.clear()
            self._memo[peer, forwarded] = found
        return found

    def _find(self, peer: str, forwarded: bytes) -> Client:
        address = parse(peer)
        if address is None:
            return Client("", peer)
        for hop in reversed(forwarded.decode("latin-1").split(",")) if forwarded else ():
            if not within(address, self._trusted):
                break
            behind = parse(hop)
            if behind is None:
                break
            address = behind
        return Client(str(address), bucket(address))


def parse(text: str) -> IpAddress | None:
    """The address in `text`, also with a port or brackets (`1.2.3.4:80`, `[::1]:80`), None if there is none."""
    text = text.strip().strip('"')
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ipaddress.ip_address(text.partition("%")[0])
    except ValueError:
        return None
    mapped = getattr(address, "ipv4_mapped", None)
    return mapped or address


def within(address: IpAddress, networks: tuple[Network, ...]) -> bool:
    """Whether any of `networks` holds `address`."""
    return any(address in network for network in networks)


def networks(blocks: tuple[str, ...]) -> tuple[Network, ...]:
    """CIDR blocks, parsed; host bits may be set. Raises `ValueError`."""
    return tuple(ipaddress.ip_network(block, strict=False) for block in blocks)


def bucket(address: IpAddress) -> str:
    """The name that limits count by: an IPv4 address itself, of an IPv6 one its /64."""
    if address.version == 4:
        return str(address)
    return str(ipaddress.IPv6Network((int(address) >> 64 << 64, 64)))
