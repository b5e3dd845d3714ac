"""Hosts in one form, and lists of them."""

import pytest

from fastgw.settings.hosts import host_of, hosts_and_ports


@pytest.mark.parametrize(
    ("name", "host"),
    [
        ("Example.ORG.", "example.org"),
        ("bücher.example", "xn--bcher-kva.example"),
        ("①②⑦.0.0.1", "127.0.0.1"),
        ("2001:DB8:0::1", "2001:db8::1"),
        ("a_b", "a_b"),
    ],
)
def test_a_host_has_one_form(name: str, host: str) -> None:
    assert host_of(name) == host


@pytest.mark.parametrize(
    "name", ["", ".", "a..b", "-a", "a-", "a b", "a/b", "a" * 64, "a." * 127 + "a", "::x", "::1%lo", "\ud800"]
)
def test_what_is_no_host(name: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        host_of(name)


def test_a_list_of_hosts() -> None:
    assert hosts_and_ports(["Media.Test", "files.test:8080", "[::1]:81", "10.0.0.7"]) == {
        *(("media.test", port) for port in (80, 443)),
        *(("10.0.0.7", port) for port in (80, 443)),
        ("files.test", 8080),
        ("::1", 81),
    }


@pytest.mark.parametrize("entry", ["", "a b", "http://a", "a:b", "a:0", "a:65536", "a/b", "user@a", "::1", "[a]"])
def test_what_is_no_entry(entry: str) -> None:
    with pytest.raises(ValueError, match=r"host|label|IPv6|colons"):
        hosts_and_ports(["good.test", entry])
