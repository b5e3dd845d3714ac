"""One gateway with four workers that sells, for all tests that do not break it."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.fakes import FakeProvider
from tests.fakes.gateway import Gateway
from tests.fakes.meter import Meter
from tests.money_path import worth
from tests.money_path.till import ADMIN_TOKEN, Till

WORKERS = 4
PAIRS = 4
"""Models with a first provider that nobody has cooled down yet, and a second behind it."""
GENERAL = f"""\
admin_token = "{ADMIN_TOKEN}"
[deadlines]
timeout_connect_ms = 2000
timeout_first_byte_ms = 2000
timeout_idle_ms = 1500
hold_headers_ms = 500
keepalive_ms = 400
drain_ms = 1000
[groups.dear]
margin = 1.25
[groups.cheap]
margin = 0.333333
"""
VENDORS = {"chat": "openai", "responses": "openai", "messages": "anthropic", "gemini": "gemini"}
MODELS = {"chat": "fake-1", "responses": "fake-1", "messages": "claude-sonnet-4-5", "gemini": "gemini-3-pro"}


def provider_entry(name: str, url: str, dialect: str = "chat", more: str = "") -> str:
    """One provider that speaks one dialect."""
    return (
        f'[[providers]]\nname = "{name}"\nvendor = "{VENDORS[dialect]}"\nbase_url = "{url}"\nspeaks = ["{dialect}"]\n'
        f'secret = "sk-upstream-{name}"\nmodels = ["{MODELS[dialect]}"]\nlist_models = false\n{more}\n'
    )


def configuration(provider: FakeProvider, dark_port: int = 9) -> str:
    """All providers and prices."""
    entries = [GENERAL]
    for dialect in VENDORS:
        entries.append(provider_entry(dialect, provider.gemini_url if dialect == "gemini" else provider.url, dialect))
    for name in ("plain", "dear", "free", "blank", "faulty"):
        entries.append(provider_entry(name, provider.url))
    entries.append(provider_entry("drains", provider.url, more="drain_on_disconnect_s = 10"))
    entries.append(provider_entry("drains-1s", provider.url, more="drain_on_disconnect_s = 1"))
    entries.append(provider_entry("dark", f"https://127.0.0.1:{dark_port}/v1"))
    entries.append(provider_entry("second", provider.url.replace("/v1", "/second/v1")))
    for number in range(PAIRS):
        entries.append(provider_entry(f"first-{number}", provider.url.replace("/v1", "/first/v1")))
        targets = f'["first-{number}/fake-1", "second/fake-1"]'
        entries.append(f'[[models]]\nname = "pair-{number}"\ntargets = {targets}')
        entries.append(worth.toml(f"first-{number}/fake-1", worth.PLAIN))
    entries += [worth.toml(model, prices) for model, prices in worth.PRICES.items()]
    return "\n".join(entries)


@contextmanager
def opened(
    folder: Path, *, workers: int, database_url: str = "", redis_url: str = "", top: str = "", more: str = ""
) -> Iterator[Till]:
    """A till of its own, for tests that break something; `top` and `more` are further lines of its configuration."""
    urls = {"FASTGW_DATABASE_URL": database_url, "FASTGW_REDIS_URL": redis_url}
    environ = {name: url for name, url in urls.items() if url}
    meter = Meter()
    with FakeProvider(models=()) as provider, socket.socket() as dark:
        # It takes connections and never says a word, so that TLS to it comes to no end.
        dark.bind(("127.0.0.1", 0))
        dark.listen(64)
        provider.default = meter.answer
        config = f"{top}\n{configuration(provider, dark.getsockname()[1])}\n{more}"
        with Gateway(folder / "gateway", config, workers=workers, environ=environ) as gateway:
            till = Till(gateway, provider, meter, database_url)
            with till.http:
                yield till


@pytest.fixture(scope="package")
def _till(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Till]:
    with opened(Path(tmp_path_factory.mktemp("money")), workers=WORKERS) as till:
        yield till


@pytest.fixture
def till(_till: Till) -> Till:
    """The shared till."""
    return _till
