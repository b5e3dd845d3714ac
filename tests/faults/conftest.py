"""A gateway with impatient deadlines and narrow bounds before providers that fail, and a look at what it keeps."""

import dataclasses
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.dataplane.upstream.origin.certificates import Certificates
from tests.fakes import FakeProvider
from tests.fakes.gateway import Gateway, provider_toml
from tests.path.evidence import CHAT, leases, lines_to, mint, open_files, until

DEADLINES = """\
[deadlines]
timeout_connect_ms = 1000
timeout_first_byte_ms = 1500
timeout_idle_ms = 1500
"""
BOUNDS = "[bounds]\nexchanges_max = 6\n"
"""So few that a task which is not given back soon shows as 503."""
IDLE_LINES_MAX = 8
"""Connections that may stay open to the provider: no more than exchanges ever ran at once."""
FAILOVERS = 12


@dataclasses.dataclass
class Bed:
    """A gateway and what stands around it. `key` allows one exchange at a time: a lease that leaks blocks the next."""

    gateway: Gateway
    provider: FakeProvider
    key_id: str
    key: str
    files: int
    """Open before any fault."""

    def post(self, body: dict[str, Any], **options: Any) -> httpx.Response:
        """One exchange."""
        url = f"{self.gateway.base_url}/chat/completions"
        return httpx.post(url, json=body, headers=self.gateway.headers(self.key), timeout=30, **options)

    def assert_calm(self) -> None:
        """Nothing of any exchange is left: at the provider, in the store, in the workers."""
        for seen in self.provider.requests:
            assert seen.done.wait(15), "the provider still answers"
        until(lambda: leases(self.gateway, self.key_id) == 0, "leases to be given back")
        assert lines_to(self.gateway, self.provider.port) <= IDLE_LINES_MAX
        until(lambda: open_files(self.gateway) <= self.files + IDLE_LINES_MAX, "files to be closed")
        self.provider.forget()
        assert self.post(CHAT).status_code == 200
        until(lambda: leases(self.gateway, self.key_id) == 0, "the lease of the exchange after the fault")


@pytest.fixture(scope="package")
def _bed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bed]:
    folder = tmp_path_factory.mktemp("faults")
    (folder / "tls").mkdir()
    with (
        FakeProvider() as provider,
        FakeProvider(refusing=True) as refusing,
        FakeProvider(certificates=Certificates(folder / "tls")) as untrusted,
    ):
        config = DEADLINES + BOUNDS + provider_toml("fake", provider.url)
        config += provider_toml("refused", refusing.url, more="list_models = false")
        config += provider_toml("untrusted", untrusted.url, more="list_models = false")
        config += _pairs(provider)
        with Gateway(Path(folder / "gateway"), config) as gateway:
            key_id, key = mint(gateway, "--concurrency", "1")
            bed = Bed(gateway, provider, key_id, key, 0)
            assert bed.post(CHAT).status_code == 200
            bed.files = open_files(gateway)
            yield bed


@pytest.fixture
def bed(_bed: Bed) -> Iterator[Bed]:
    """The shared gateway; when the test has ended, it must hold nothing of it."""
    _bed.provider.forget()
    yield _bed
    _bed.assert_calm()


def _pairs(provider: FakeProvider) -> str:
    """Models `pair-0` … with a provider each that nobody has cooled down yet, and one behind it that is used then."""
    made = provider_toml("second", provider.url.replace("/v1", "/second/v1"), more="list_models = false")
    aliases = ""
    for number in range(FAILOVERS):
        name = f"first-{number}"
        made += provider_toml(name, provider.url.replace("/v1", "/first/v1"), more="list_models = false")
        aliases += f'[[models]]\nname = "pair-{number}"\ntargets = ["{name}/fake-1", "second/fake-1"]\n'
    return made + aliases
