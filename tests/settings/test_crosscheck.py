"""Every mistake is found in one run, at its place, with what to do."""

from pathlib import Path

import pytest

from fastgw.providers import VENDORS
from fastgw.settings import check, load
from tests.settings.written import found

MISTAKEN = """\
profil = "x"
[listen]
port = 99999
workers = "many"
trusted_proxies = [
  "10.0.0.0/8",
  "10.0.0.1/8",
]
tls_cert = "/nowhere/cert.pem"
[lisen]
[[providers]]
base_url = "https://no.name"
[[providers]]
name = "openai"
[[providers]]
name = "openai"
vendor = "openia"
base_url = "ftp://x"
[[providers.credentials]]
secret_env = "NOPE"
[[providers]]
name = "a/b"
base_url = "http://"
tls = { ca_file = "/nowhere/ca.pem" }
[[models]]
name = "loop"
targets = ["loop"]
[[models]]
name = "fast"
targets = ["opnai/gpt-5"]
[[models]]
name = "fast"
targets = 3
[[models]]
name = "fast"
targets = []
[prices."openai/gpt-5"]
input = -1
output = 1.5
"""

FOUND = [
    (1, "profil", "Unknown key. Did you mean profile?"),
    (3, "listen.port", "Expected `int` <= 65535. Write a whole number from 0 to 65535."),
    (4, "listen.workers", "Expected `int`, got `str`. Write a whole number from 0 to 1024."),
    (
        7,
        "listen.trusted_proxies[1]",
        "Is not a CIDR block: 10.0.0.1/8 has host bits set. Write it like 10.0.0.0/8 or 2001:db8::/32.",
    ),
    (9, "listen.tls_cert", "tls_key is missing. Set both tls_cert and tls_key, or none."),
    (
        9,
        "listen.tls_cert",
        "/nowhere/cert.pem cannot be read: No such file or directory. Give the path of a readable PEM file.",
    ),
    (10, "lisen", "Unknown key. Did you mean listen?"),
    (11, "providers[0]", "The key name is missing. Add name = … to this table."),
    (13, "providers[1]", 'openai has no credential. Add secret_env = "NAME", or set OPENAI_API_KEY.'),
    (16, "providers[2].name", "openai is defined twice. Give each entry its own name."),
    (17, "providers[2].vendor", "There is no vendor openia. Did you mean openai?"),
    (
        18,
        "providers[2].base_url",
        "Has the scheme 'ftp'; known: http, https. Write a URL like http://host/path.",
    ),
    (
        20,
        "providers[2].credentials[0].secret_env",
        "The variable NOPE is not set. Set NOPE to the provider's key.",
    ),
    (
        22,
        "providers[3].name",
        "Is no provider name. Use letters, digits, '.', '-' and '_', without a slash.",
    ),
    (23, "providers[3].base_url", "Is not a URL with a host. Write a URL like http://host/path."),
    (
        24,
        "providers[3].tls.ca_file",
        "/nowhere/ca.pem cannot be read: No such file or directory. Give the path of a readable PEM file.",
    ),
    (25, "models[0]", "loop leads back to itself. Break the circle of targets."),
    (30, "models[1].targets[0]", "There is no provider opnai. Did you mean openai?"),
    (33, "models[2].targets", 'Expected `array`, got `int`. Write a list of strings: ["a", "b"].'),
    (35, "models[3].name", "fast is defined twice. Give each entry its own name."),
    (36, "models[3].targets", 'Is empty. Name at least one target: ["provider/model"].'),
    (
        38,
        'prices."openai/gpt-5".input',
        "Expected `int` >= 0. Write a whole number from 0 to 9007199254740992.",
    ),
    (
        39,
        'prices."openai/gpt-5".output',
        "Expected `int`, got `float`. Write a whole number from 0 to 9007199254740992.",
    ),
    (0, "FASTGW_DRAIN_MS", "'soon' does not fit. Expected `int`. The setting is deadlines.drain_ms."),
    (0, "FASTGW_PROT", "Unknown variable. Did you mean FASTGW_PORT?"),
]


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    assert found(tmp_path, MISTAKEN, FASTGW_PROT="1", FASTGW_DRAIN_MS="soon") == FOUND


@pytest.mark.parametrize(
    ("environ", "key"),
    [
        ({"FASTGW_TRUSTED_PROXIES": "10.0.0.0/8, oops"}, "FASTGW_TRUSTED_PROXIES"),
        ({"FASTGW_REDIS_URL": "http://x"}, "FASTGW_REDIS_URL"),
        ({"FASTGW_DATABASE_URL": "mysql://x"}, "FASTGW_DATABASE_URL"),
        ({"FASTGW_TLS_KEY": "/nowhere", "FASTGW_TLS_CERT": "/dev/null"}, "FASTGW_TLS_KEY"),
        ({"FASTGW_KEY_CONCURRENCY": "-1"}, "FASTGW_KEY_CONCURRENCY"),
        ({"FASTGW_PROFILE": "tokshop"}, "FASTGW_PROFILE"),
        ({"PORT": "tcp://10.0.0.1:80"}, "PORT"),
        ({"OPENAI_API_KEY": "k", "OPENAI_BASE_URL": "api.openai.com"}, "OPENAI_BASE_URL"),
        ({"OPENAI_API_KEY": "schlüssel"}, "OPENAI_API_KEY"),
        ({"FASTGW_SANDBOX_URL": "nonsense"}, "FASTGW_SANDBOX_URL"),
        ({"FASTGW_KEY_PREFIX": "a b"}, "FASTGW_KEY_PREFIX"),
        ({"FASTGW_FETCH_HOSTS": "media.test, http://files.test"}, "FASTGW_FETCH_HOSTS"),
    ],
)
def test_a_wrong_variable_is_named(environ: dict[str, str], key: str) -> None:
    mistakes = check(environ, None, VENDORS)
    assert [(mistake.file, mistake.line, mistake.key) for mistake in mistakes] == [("environment", 0, key)]


def test_a_wrong_option_is_named() -> None:
    mistakes = check({}, None, VENDORS, {"listen.prot": "1", "listen.port": "x"})
    assert [(mistake.file, mistake.key) for mistake in mistakes] == [
        ("command line", "listen.prot"),
        ("command line", "listen.port"),
    ]


def test_headers_of_the_gateways_own_cannot_be_set(tmp_path: Path) -> None:
    text = '[[providers]]\nname = "x"\nbase_url = "http://h"\n[providers.headers]\nX-A = "b"\nHost = "h"\n"a b" = "c"\n'
    assert [(line, key) for line, key, _ in found(tmp_path, text)] == [
        (6, "providers[0].headers.Host"),
        (7, 'providers[0].headers."a b"'),
    ]


@pytest.mark.parametrize(
    ("url", "port", "own"),
    [
        ("http://127.0.0.1:8080/v1", "8080", True),
        ("http://localhost:8080", "8080", True),
        ("http://[::1]:80", "80", True),
        ("http://localhost", "80", True),
        ("http://127.0.0.1:8081/v1", "8080", False),
        ("http://other:8080/v1", "8080", False),
        ("http://127.0.0.1:8080/v1", "0", False),
    ],
)
def test_the_gateway_is_no_provider_of_itself(tmp_path: Path, url: str, port: str, own: bool) -> None:
    environ = {"OPENAI_API_KEY": "sk-fgw-x", "OPENAI_BASE_URL": url, "FASTGW_PORT": port}
    (only,) = load(environ, None, VENDORS).providers
    assert only.name == ("sandbox" if own else "openai")
    text = f'[[providers]]\nname = "x"\nbase_url = "{url}"\n'
    assert [(line, key) for line, key, _ in found(tmp_path, text, FASTGW_PORT=port)] == (
        [(3, "providers[0].base_url")] if own else []
    )
