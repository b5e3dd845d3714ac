"""Which address a request comes from."""

import pytest

from fastgw.dataplane.auth.address import Addresses, Client

PROXIES = ("10.0.0.0/8", "2001:db8:ffff::/48")


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("192.0.2.1", None, "192.0.2.1"),
        ("192.0.2.1", "198.51.100.1", "192.0.2.1"),
        ("10.0.0.1", "198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1", "198.51.100.1"),
        ("10.0.0.1", "203.0.113.9, 198.51.100.1, 10.2.3.4", "198.51.100.1"),
        ("10.0.0.1", "10.9.9.9", "10.9.9.9"),
        ("10.0.0.1", "198.51.100.1, nonsense", "10.0.0.1"),
        ("10.0.0.1", "198.51.100.1:4711", "198.51.100.1"),
        ("2001:db8:ffff::1", "[2001:db8::5]:80", "2001:db8::5"),
        ("::ffff:10.0.0.1", "::ffff:198.51.100.1", "198.51.100.1"),
    ],
)
def test_the_first_untrusted_address_from_the_right(peer: str, forwarded: str | None, address: str) -> None:
    headers = [] if forwarded is None else [(b"x-forwarded-for", forwarded.encode())]
    assert Addresses(PROXIES).client(peer, headers).address == address


def test_without_trusted_proxies_the_header_is_ignored() -> None:
    assert Addresses().client("10.0.0.1", [(b"x-forwarded-for", b"1.2.3.4")]).address == "10.0.0.1"


def test_several_headers_are_one_list() -> None:
    headers = [(b"x-forwarded-for", b"203.0.113.9"), (b"x-forwarded-for", b"198.51.100.1")]
    assert Addresses(PROXIES).client("10.0.0.1", headers).address == "198.51.100.1"


def test_ipv6_counts_by_its_64() -> None:
    addresses = Addresses()
    one, other = addresses.client("2001:db8:0:1::5", []), addresses.client("2001:db8:0:1:ffff::7", [])
    assert one.bucket == other.bucket == "2001:db8:0:1::/64"
    assert addresses.client("2001:db8:0:2::5", []).bucket != one.bucket
    assert addresses.client("::ffff:192.0.2.1", []) == Client("192.0.2.1", "192.0.2.1")


def test_the_memory_of_addresses_is_bounded() -> None:
    addresses = Addresses(PROXIES)
    for n in range(10_000):
        addresses.client("10.0.0.1", [(b"x-forwarded-for", f"1.2.{n // 250}.{n % 250}".encode())])
    assert len(addresses._memo) <= 4096
