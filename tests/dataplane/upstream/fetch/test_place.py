"""A caller's URL taken apart: one form for each host, and nothing that parsers could read in two ways."""

import pytest

from fastgw.dataplane.upstream.fetch.place import Place, Unfit, place_of, shown

NOBODY: frozenset[tuple[str, int]] = frozenset()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("https://example.org", Place("https", "example.org", 443, b"/")),
        ("HTTP://Example.ORG:80/A.png?x=1&y=%20#part", Place("http", "example.org", 80, b"/A.png?x=1&y=%20")),
        ("http://example.org:443/", Place("http", "example.org", 443, b"/")),
        ("https://example.org./", Place("https", "example.org", 443, b"/")),
        ("https://bücher.example/ü?ü=ü", Place("https", "xn--bcher-kva.example", 443, b"/%C3%BC?%C3%BC=%C3%BC")),
        ("https://a_b.example.org/?u=https://c/[1]", Place("https", "a_b.example.org", 443, b"/?u=https://c/[1]")),
        ("https://[2606:4700:0:0::1111]/", Place("https", "2606:4700::1111", 443, b"/")),
        ("https://1.1.1.1/", Place("https", "1.1.1.1", 443, b"/")),
    ],
)
def test_a_sound_url(url: str, place: Place) -> None:
    assert place_of(url, NOBODY) == place


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("ftp://example.org/", "only http"),
        ("file:///etc/passwd", "not valid"),
        ("gopher://example.org/", "only http"),
        ("//example.org/", "only http"),
        ("https:///x", "not valid"),
        ("https://", "not valid"),
        ("https://user@example.org/", "password"),
        ("https://:secret@example.org/", "password"),
        ("https://example.org:22/", "ports"),
        ("https://example.org:8443/", "ports"),
        ("https://example.org:99999/", "not valid"),
        ("https://example.org:x/", "not valid"),
        ("https://example.org:0/", "ports"),
        ("https://example.org\\@127.0.0.1/", "not valid"),
        ("https://example.org/\r\nhost: inside", "not valid"),
        ("https://exa\tmple.org/", "not valid"),
        ("https://exa mple.org/", "not valid"),
        ("https://[fe80::1%25eth0]/", "not valid"),
        ("https://[::1/", "not valid"),
        ("https://[v1.x]/", "not valid"),
        ("https://-/", "not valid"),
        ("https://a..b/", "not valid"),
        ("https://" + "a" * 64 + ".org/", "not valid"),
        ("https://" + "a." * 127 + "org/", "not valid"),
        ("https://exa%6dple.org/", "not valid"),
        ("https://example.org/" + "a" * 9_000, "not valid"),
        ("https://\ud800.org/", "not valid"),
    ],
)
def test_what_is_never_fetched(url: str, why: str) -> None:
    with pytest.raises(Unfit, match=why):
        place_of(url, NOBODY)


def test_other_ports_are_for_hosts_that_operators_allow() -> None:
    allowed = frozenset({("files.test", 8080)})
    assert place_of("http://Files.test:8080/", allowed).port == 8080
    with pytest.raises(Unfit):
        place_of("http://media.test:8080/", allowed)


def test_messages_show_the_host_and_nothing_else() -> None:
    assert shown("https://user:secret@Example.org:8443/path?key=secret") == "example.org"
    assert shown("https://<script>/") == "an unknown host"
    assert shown("https://[broken/") == "an unknown host"
    assert len(shown("https://" + "a." * 100 + "org/")) <= 100


def test_the_origin_names_the_port() -> None:
    assert place_of("https://example.org/", NOBODY).origin == "https://example.org:443"
    assert place_of("http://[2606:4700::1111]/", NOBODY).origin == "http://[2606:4700::1111]:80"
