"""Which proxy an origin takes, what of its URL goes where, and what makes an origin."""

import pytest

from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.dataplane.upstream.wire.connection import Origin
from fastgw.dataplane.upstream.wire.dial import origin_of
from fastgw.dataplane.upstream.wire.proxy import proxy_for, split_proxy

P = "http://p:3128"


@pytest.mark.parametrize(
    ("origin", "environ", "expected"),
    [
        ("https://api.test", {}, ""),
        ("https://api.test", {"HTTPS_PROXY": P}, P),
        ("https://api.test", {"https_proxy": P, "HTTPS_PROXY": "http://other"}, P),
        ("https://api.test", {"HTTP_PROXY": P}, ""),
        ("http://api.test", {"HTTP_PROXY": P}, P),
        ("http://api.test", {"HTTPS_PROXY": P}, ""),
        ("https://api.test", {"ALL_PROXY": P}, P),
        ("https://api.test", {"HTTPS_PROXY": "p:3128"}, P),
        ("https://api.test", {"HTTPS_PROXY": "  "}, ""),
        ("https://api.test", {"HTTPS_PROXY": P, "NO_PROXY": "*"}, ""),
        ("https://api.test", {"HTTPS_PROXY": P, "NO_PROXY": "api.test"}, ""),
        ("https://api.test", {"HTTPS_PROXY": P, "NO_PROXY": "x.test, .TEST"}, ""),
        ("https://a.api.test", {"HTTPS_PROXY": P, "no_proxy": "api.test"}, ""),
        ("https://a.api.test", {"HTTPS_PROXY": P, "no_proxy": "*.api.test"}, ""),
        ("https://myapi.test", {"HTTPS_PROXY": P, "no_proxy": "api.test"}, P),
        ("https://api.test", {"HTTPS_PROXY": P, "no_proxy": "api.test:443"}, ""),
        ("https://api.test", {"HTTPS_PROXY": P, "no_proxy": "api.test:8443"}, P),
        ("https://api.test:8443", {"HTTPS_PROXY": P, "no_proxy": "api.test:8443"}, ""),
        ("https://10.1.2.3", {"HTTPS_PROXY": P, "no_proxy": "10.0.0.0/8"}, ""),
        ("https://11.1.2.3", {"HTTPS_PROXY": P, "no_proxy": "10.0.0.0/8"}, P),
        ("https://[2001:db8::1]", {"HTTPS_PROXY": P, "no_proxy": "2001:db8::/32"}, ""),
        ("https://[2001:db8::1]:8443", {"HTTPS_PROXY": P, "no_proxy": "[2001:db8::1]:8443"}, ""),
        ("https://api.test", {"HTTPS_PROXY": P, "no_proxy": " , . ,"}, P),
        ("http://localhost:8000", {"HTTP_PROXY": P}, ""),
        ("http://127.0.0.1:8000", {"HTTP_PROXY": P}, ""),
        ("http://[::1]:8000", {"HTTP_PROXY": P}, ""),
    ],
)
def test_the_environment_names_the_proxy(origin: str, environ: dict[str, str], expected: str) -> None:
    assert proxy_for(origin, environ) == expected


@pytest.mark.parametrize(
    ("proxy", "expected"),
    [
        ("http://p:3128", ("p", 3128, b"")),
        ("http://p", ("p", 80, b"")),
        ("http://[::1]:3128", ("::1", 3128, b"")),
        ("http://u:pa%3Ass@p:1", ("p", 1, b"proxy-authorization: Basic dTpwYTpzcw==\r\n")),
        ("http://u@p:1", ("p", 1, b"proxy-authorization: Basic dTo=\r\n")),
    ],
)
def test_a_proxy_url_in_parts(proxy: str, expected: tuple[str, int, bytes]) -> None:
    assert split_proxy(proxy) == expected


@pytest.mark.parametrize("proxy", ["https://u:secret@p:1", "socks5://u:secret@p:1", "http://", "http://u:secret@p:x"])
def test_other_proxies_are_refused_without_showing_their_credentials(proxy: str) -> None:
    with pytest.raises(TransportError) as caught:
        split_proxy(proxy)
    assert (caught.value.failure, caught.value.sent) == (Failure.CONNECT, False)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "proxy", "expected"),
    [
        ("http://a.test", "", Origin("http", "a.test", 80, b"a.test", b"host: a.test\r\n")),
        ("http://a.test:80", "", Origin("http", "a.test", 80, b"a.test", b"host: a.test\r\n")),
        ("http://a.test:443", "", Origin("http", "a.test", 443, b"a.test:443", b"host: a.test:443\r\n")),
        ("https://[::1]:8", "", Origin("https", "::1", 8, b"[::1]:8", b"host: [::1]:8\r\n")),
        (
            "https://bücher.test",
            "",
            Origin("https", "bücher.test", 443, b"xn--bcher-kva.test", b"host: xn--bcher-kva.test\r\n"),
        ),
        ("https://a.test", "http://u:p@p:1", Origin("https", "a.test", 443, b"a.test", b"host: a.test\r\n")),
        (
            "http://a.test",
            "http://u:p@p:1",
            Origin(
                "http",
                "a.test",
                80,
                b"a.test",
                b"host: a.test\r\nproxy-authorization: Basic dTpw\r\n",
                b"http://a.test",
            ),
        ),
    ],
)
def test_an_origin_in_parts(url: str, proxy: str, expected: Origin) -> None:
    assert origin_of(url, proxy) == expected


@pytest.mark.parametrize("url", ["", "ftp://a", "http://", "http://a:99999", "a.test", "https://a..b"])
def test_what_is_no_origin(url: str) -> None:
    with pytest.raises(TransportError) as caught:
        origin_of(url, "")
    assert (caught.value.failure, caught.value.sent) == (Failure.CONNECT, False)
