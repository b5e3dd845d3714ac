"""Everything that a person can write into a configuration, and what comes of it."""

import tempfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.errors import StartupError
from fastgw.limits import Limits
from fastgw.providers import VENDORS
from fastgw.settings import Mistake, Settings, SettingsError, check, load
from fastgw.settings.documents import profile_names
from fastgw.settings.values import Credential

GOOD = """\
key_prefix = "acme-"
profile = "tokshub"

[listen]
port = 9000
trusted_proxies = ["10.0.0.0/8", "2001:db8::/32"]

[deadlines]
timeout_total_ms = 120_000

[guard.key]
requests_per_min = 60

[[providers]]
name = "openai"

[[providers]]
name = "local"
base_url = "http://127.0.0.1:8000/v1/"
models = ["llama-3.3-70b"]
any_model = true
http_version = "1.1"
headers = { "X-Team" = "blue" }
[[providers.credentials]]
label = "first"
secret = "s1"
[[providers.credentials]]
secret_env = "LOCAL_KEY"

[[models]]
name = "fast"
targets = ["openai/gpt-5-mini", "local/llama-3.3-70b"]

[prices."local/llama-3.3-70b"]
input = 100_000_000
"""


def write(tmp_path: Path, text: str) -> Path:
    file = tmp_path / "fastgw.toml"
    file.write_text(text, "utf-8")
    return file


def found(tmp_path: Path, text: str, **environ: str) -> list[tuple[int, str, str]]:
    """Line, key and the whole rest of each mistake."""
    mistakes = check(environ, write(tmp_path, text), VENDORS)
    return [(mistake.line, mistake.key, f"{mistake.message} {mistake.remedy}") for mistake in mistakes]


def test_nothing_at_all_gives_the_defaults_and_the_sandbox() -> None:
    settings = load({}, None, VENDORS)
    assert settings == load({"HOME": "/", "FASTGW_PORT": ""}, None, VENDORS)
    assert [provider.name for provider in settings.providers] == ["sandbox"]
    assert settings.providers[0].base_url == ""
    assert settings.listen == Settings().listen
    assert settings.guard == Settings().guard


def test_the_sandbox_is_where_its_variable_says() -> None:
    settings = load({"FASTGW_SANDBOX_URL": "http://127.0.0.1:5/v1/"}, None, VENDORS)
    assert settings.providers[0].base_url == "http://127.0.0.1:5/v1"


def test_a_whole_file(tmp_path: Path) -> None:
    environ = {"OPENAI_API_KEY": "sk-1, sk-2", "LOCAL_KEY": "s2", "XAI_API_KEY": "x"}
    settings = load(environ, write(tmp_path, GOOD), VENDORS)
    assert settings.key_prefix == "acme-"
    assert settings.listen.port == 9000
    assert settings.deadlines.timeout_total_ms == 120_000
    assert settings.deadlines.timeout_connect_ms == 5_000
    assert settings.guard.address == Limits(requests_per_min=60, requests_burst=20, concurrency=20_000)
    openai, local, xai = settings.providers
    assert openai.credentials == (Credential("env", "sk-1"), Credential("env-2", "sk-2"))
    assert local.credentials == (Credential("first", "s1"), Credential("LOCAL_KEY", "s2"))
    assert local.base_url == "http://127.0.0.1:8000/v1"
    assert local.vendor == "openai_compatible"
    assert local.headers == {"X-Team": "blue"}
    assert xai.base_url == "https://api.x.ai/v1"
    assert settings.models[0].targets == ("openai/gpt-5-mini", "local/llama-3.3-70b")
    assert settings.prices["local/llama-3.3-70b"].input == 100_000_000


def test_a_new_rate_forgets_the_old_burst(tmp_path: Path) -> None:
    file = write(tmp_path, "[guard.key]\nrequests_per_min = 60\n")
    settings = load({"FASTGW_ADDRESS_TOKENS_PER_MIN": "5"}, file, VENDORS)
    assert settings.guard.key.requests_per_min == 60
    assert settings.guard.key.requests_burst == 0
    assert settings.guard.key.tokens_burst == 1_000_000_000
    assert settings.guard.address.tokens_per_min == 5


@pytest.mark.parametrize(
    ("environ", "options", "port"),
    [
        ({}, {}, 9000),
        ({"PORT": "1"}, {}, 1),
        ({"PORT": "1", "FASTGW_PORT": "2"}, {}, 2),
        ({"PORT": "1", "FASTGW_PORT": "2"}, {"listen.port": "3"}, 3),
    ],
)
def test_precedence(tmp_path: Path, environ: dict[str, str], options: dict[str, str], port: int) -> None:
    file = write(tmp_path, "[listen]\nport = 9000\n")
    assert load(environ, file, VENDORS, options).listen.port == port
    assert load({**environ, "CONFIG": str(file)}, None, VENDORS, options).listen.port == port
    assert load({**environ, "FASTGW_CONFIG": str(file), "CONFIG": "/no"}, None, VENDORS, options).listen.port == port


def test_the_file_wins_over_its_profile(tmp_path: Path) -> None:
    settings = load({}, write(tmp_path, 'profile = "tokshub"\nkey_prefix = "x-"'), VENDORS)
    assert (settings.key_prefix, settings.deadlines.timeout_total_ms) == ("x-", 300_000)
    assert load({"FASTGW_PROFILE": "tokmodel"}, None, VENDORS).insufficient_status == 403


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_is_sound(name: str) -> None:
    assert check({"FASTGW_PROFILE": name}, None, VENDORS) == []
    assert load({"FASTGW_PROFILE": name}, None, VENDORS).profile == name


def test_all_mistakes_come_at_once(tmp_path: Path) -> None:
    text = """\
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
    assert found(tmp_path, text, FASTGW_PROT="1", FASTGW_DRAIN_MS="soon") == [
        (1, "profil", "Unknown key. Did you mean profile?"),
        (3, "listen.port", "Expected `int` <= 65535. Write a whole number within the limits of the reference."),
        (4, "listen.workers", "Expected `int`, got `str`. Write a whole number within the limits of the reference."),
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
            "Expected `int` >= 0. Write a whole number within the limits of the reference.",
        ),
        (
            39,
            'prices."openai/gpt-5".output',
            "Expected `int`, got `float`. Write a whole number within the limits of the reference.",
        ),
        (0, "FASTGW_DRAIN_MS", "'soon' does not fit. Expected `int`. The setting is deadlines.drain_ms."),
        (0, "FASTGW_PROT", "Unknown variable. Did you mean FASTGW_PORT?"),
    ]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a = 1\nb = \nc = 2", 2, "Is not valid TOML: Invalid value."),
        ("[listen]\nport = 1\nport = 2", 3, "Is not valid TOML: Cannot overwrite a value."),
        ("[listen]\n\n[listen]", 3, "Is not valid TOML: Cannot declare"),
        ('a = """x\ny\n', 2, "Is not valid TOML"),
        ("x = " + "[" * 5000, 1, ""),
    ],
)
def test_a_text_that_is_no_toml_names_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (mistake,) = check({}, write(tmp_path, text), VENDORS)
    assert mistake.line == line
    assert mistake.message.startswith(says)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (missing,) = check({}, tmp_path / "none.toml", VENDORS)
    assert (missing.line, missing.message) == (0, "Cannot be read: No such file or directory.")
    file = tmp_path / "latin.toml"
    file.write_bytes(b'# one\ntitle = "\xe9"\n')
    (mistake,) = check({}, file, VENDORS)
    assert (mistake.line, mistake.message) == (2, "Is not UTF-8.")


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


def test_load_refuses_what_check_finds_with_the_same_words(tmp_path: Path) -> None:
    file = write(tmp_path, "[listen]\nport = -1\n")
    with pytest.raises(SettingsError) as raised:
        load({"FASTGW_PROT": "1"}, file, VENDORS)
    assert list(raised.value.mistakes) == check({"FASTGW_PROT": "1"}, file, VENDORS)
    assert isinstance(raised.value, StartupError)
    assert f"{file}:2: listen.port: Expected `int` >= 0." in str(raised.value)
    assert "environment: FASTGW_PROT: Unknown variable. Did you mean FASTGW_PORT?" in str(raised.value)


@pytest.mark.parametrize("wrong", ["providers = 3", "models = {}", "[[listen]]", "prices = 1", "guard.key = 'x'"])
def test_a_table_of_the_wrong_shape_is_one_mistake(tmp_path: Path, wrong: str) -> None:
    (mistake,) = check({}, write(tmp_path, wrong), VENDORS)
    assert mistake.line == 1
    assert "Is not a" in mistake.message


def test_no_secret_in_any_repr_or_message(tmp_path: Path) -> None:
    secret = "s3cr3t-s3cr3t"
    text = f'[[providers]]\nname = "x"\nbase_url = "http://h"\nsecret = "{secret}"\nsecret_env = "Y"\n'
    mistakes: list[Mistake] = check({"Y": secret, "OPENAI_API_KEY": secret}, write(tmp_path, text), VENDORS)
    assert [mistake.message for mistake in mistakes] == ["Has both secret and secret_env."]
    shown: list[Any] = [mistakes, load({"OPENAI_API_KEY": secret}, None, VENDORS)]
    assert secret not in repr(shown)


VALUES = ["1", "-1", "1.5", "true", '"text"', '""', "[]", '["a", "a/b"]', "[1]", "{}", "{ name = 1 }", "[[]]", "[{}]"]
TABLES = ["[listen]", "[guard.key]", "[[providers]]", "[[providers.credentials]]", "[providers.tls]", "[[models]]"]
KEYS = ["name", "vendor", "base_url", "targets", "secret_env", "models", "headers", "port", "trusted_proxies", "x.y"]
TOPS = ["profile", "providers", "models", "prices", "guard", "guard.key", "key_prefix", 'prices."a/b"']


@given(
    st.lists(st.tuples(st.sampled_from(TOPS), st.sampled_from(VALUES)), max_size=4),
    st.lists(
        st.tuples(st.sampled_from(TABLES), st.lists(st.tuples(st.sampled_from(KEYS), st.sampled_from(VALUES)))),
        max_size=4,
    ),
)
def test_no_file_breaks_the_check_and_every_mistake_has_its_place(
    tops: list[tuple[str, str]], tables: list[tuple[str, list[tuple[str, str]]]]
) -> None:
    lines = [f"{key} = {value}" for key, value in tops]
    for table, pairs in tables:
        lines += [table, *(f"{key} = {value}" for key, value in pairs)]
    with tempfile.TemporaryDirectory() as folder:
        file = write(Path(folder), "\n".join(lines))
        mistakes = check({"OPENAI_API_KEY": "k"}, file, VENDORS)
        for mistake in mistakes:
            assert mistake.file == str(file)
            assert 1 <= mistake.line <= max(len(lines), 1)
            assert mistake.message
            assert mistake.remedy
        if not mistakes:
            load({"OPENAI_API_KEY": "k"}, file, VENDORS)


@pytest.mark.parametrize("depth", [100, 300, 500, 900, 2_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ("{a=", "}")])
def test_deep_nesting_is_a_mistake_and_no_crash(tmp_path: Path, depth: int, opened: str, closed: str) -> None:
    (mistake,) = check({}, write(tmp_path, f"x = {opened * depth}1{closed * depth}"), VENDORS)
    assert mistake.line == 1


def test_headers_of_the_gateways_own_cannot_be_set(tmp_path: Path) -> None:
    text = '[[providers]]\nname = "x"\nbase_url = "http://h"\n[providers.headers]\nX-A = "b"\nHost = "h"\n"a b" = "c"\n'
    assert [(line, key) for line, key, _ in found(tmp_path, text)] == [
        (6, "providers[0].headers.Host"),
        (7, 'providers[0].headers."a b"'),
    ]
