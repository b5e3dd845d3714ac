"""Addresses that a caller's URL may and may not lead to."""

import socket

import pytest

from fastgw.dataplane.upstream.fetch.addresses import Guard, NotPublic, is_public
from fastgw.dataplane.upstream.wire.names import AddressInfo


@pytest.mark.parametrize(
    "address",
    [
        "1.1.1.1",
        "93.184.215.14",
        "11.0.0.0",
        "172.15.255.255",
        "172.32.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "192.0.1.1",
        "223.255.255.255",
        "168.63.129.15",
        "2606:4700:4700::1111",
        "2a00:1450:4001:82a::200e",
        "::ffff:1.1.1.1",
        "64:ff9b::101:101",
    ],
)
def test_the_internet_is_public(address: str) -> None:
    assert is_public(address)


@pytest.mark.parametrize(
    "address",
    [
        "0.0.0.0",
        "0.1.2.3",
        "10.0.0.1",
        "100.64.0.1",
        "100.100.100.200",
        "127.0.0.1",
        "127.255.255.255",
        "168.63.129.16",
        "169.254.169.254",
        "169.254.170.2",
        "172.16.0.1",
        "172.31.255.255",
        "192.0.0.192",
        "192.0.2.1",
        "192.88.99.1",
        "192.168.255.255",
        "198.19.0.1",
        "198.51.100.1",
        "203.0.113.1",
        "224.0.0.251",
        "239.255.255.250",
        "240.0.0.1",
        "255.255.255.255",
        "::",
        "::1",
        "::7f00:1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "::ffff:169.254.169.254",
        "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b::a9fe:a9fe",
        "64:ff9b:1::101:101",
        "100::1",
        "2001::1",
        "2001:db8::1",
        "2002:7f00:1::",
        "2002:101:101::1",
        "3fff::1",
        "5f00::1",
        "fc00::1",
        "fd00:ec2::254",
        "fe80::1",
        "fe80::1%eth0",
        "2606:4700:4700::1111%eth0",
        "fec0::1",
        "ff02::1",
        "localhost",
        "",
    ],
)
def test_everything_else_is_not(address: str) -> None:
    assert not is_public(address)


def found(*addresses: str, port: int = 443) -> list[AddressInfo]:
    return [
        (socket.AF_INET6, 1, 6, "", (address, port, 0, 0))
        if ":" in address
        else (socket.AF_INET, 1, 6, "", (address, port))
        for address in addresses
    ]


def test_a_host_with_one_address_inside_is_refused_as_a_whole() -> None:
    guard = Guard(frozenset())
    public = found("1.1.1.1", "2606:4700:4700::1111")
    assert guard("a.test", public) == public
    for mixed in (found("1.1.1.1", "10.0.0.1"), found("::1", "1.1.1.1"), found("127.0.0.1")):
        with pytest.raises(NotPublic):
            guard("a.test", mixed)


def test_an_allowed_host_may_have_any_address_at_its_port() -> None:
    guard = Guard(frozenset({("media.test", 443)}))
    assert guard("media.test", found("10.0.0.1")) == found("10.0.0.1")
    for host, port in (("media.test", 80), ("other.test", 443), ("10.0.0.1", 443)):
        with pytest.raises(NotPublic):
            guard(host, found("10.0.0.1", port=port))
