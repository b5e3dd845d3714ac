"""One gateway with short deadlines, two workers and a believed proxy, for all tests of the path."""

from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.fakes import FakeProvider
from tests.fakes.gateway import Gateway, provider_toml

CONFIG = """\
[listen]
trusted_proxies = ["127.0.0.1/32"]
[deadlines]
timeout_connect_ms = 1000
timeout_first_byte_ms = 3000
timeout_idle_ms = 2000
timeout_total_ms = 4000
hold_headers_ms = 500
keepalive_ms = 400
body_progress_ms = 1000
[guard]
wrong_keys_per_min = 5
"""

numbers = count(1)


class Ground:
    """The gateway and its provider, with short ways to ask."""

    def __init__(self, gateway: Gateway, provider: FakeProvider) -> None:
        self.gateway = gateway
        self.provider = provider
        self.url = f"{gateway.base_url}/chat/completions"

    def post(self, body: Any = None, *, key: str = "", headers: dict[str, str] | None = None, **more: Any) -> Any:
        """One exchange with a key in `Authorization`, unless `headers` are given."""
        sent = self.gateway.headers(key) if headers is None else headers
        return httpx.post(self.url, json=body, headers=sent, timeout=30, **more)

    def address(self) -> dict[str, str]:
        """The header of a client address that no other test has."""
        number = next(numbers)
        return {"x-forwarded-for": f"203.0.{number // 250}.{number % 250 + 1}"}


@pytest.fixture(scope="package")
def _path(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    with FakeProvider() as provider:
        folder: Path = tmp_path_factory.mktemp("path")
        config = CONFIG + provider_toml("fake", provider.url)
        with Gateway(folder / "gateway", config, workers=2) as gateway:
            yield Ground(gateway, provider)


@pytest.fixture
def path(_path: Ground) -> Ground:
    """The shared gateway with a provider that remembers nothing."""
    _path.provider.forget()
    return _path
