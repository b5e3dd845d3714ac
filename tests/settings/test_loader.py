"""Everything that a person can configure, from each source, and what comes of it."""

from pathlib import Path
from typing import Any

import pytest

from fastgw.errors import StartupError
from fastgw.limits import Limits
from fastgw.providers import VENDORS
from fastgw.settings import Mistake, Settings, SettingsError, check, load
from fastgw.settings.documents import profile_names
from fastgw.settings.values import Credential
from tests.settings.written import write

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


def test_load_refuses_what_check_finds_with_the_same_words(tmp_path: Path) -> None:
    file = write(tmp_path, "[listen]\nport = -1\n")
    with pytest.raises(SettingsError) as raised:
        load({"FASTGW_PROT": "1"}, file, VENDORS)
    assert list(raised.value.mistakes) == check({"FASTGW_PROT": "1"}, file, VENDORS)
    assert isinstance(raised.value, StartupError)
    assert f"{file}:2: listen.port: Expected `int` >= 0." in str(raised.value)
    assert "environment: FASTGW_PROT: Unknown variable. Did you mean FASTGW_PORT?" in str(raised.value)


def test_no_secret_in_any_repr_or_message(tmp_path: Path) -> None:
    secret = "s3cr3t-s3cr3t"
    text = f'[[providers]]\nname = "x"\nbase_url = "http://h"\nsecret = "{secret}"\nsecret_env = "Y"\n'
    mistakes: list[Mistake] = check({"Y": secret, "OPENAI_API_KEY": secret}, write(tmp_path, text), VENDORS)
    assert [mistake.message for mistake in mistakes] == ["Has both secret and secret_env."]
    shown: list[Any] = [mistakes, load({"OPENAI_API_KEY": secret}, None, VENDORS)]
    assert secret not in repr(shown)
