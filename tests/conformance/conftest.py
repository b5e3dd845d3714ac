"""Clients of the official SDKs before the shared gateway, and before one with providers of four dialects."""

from collections.abc import Iterator

import pytest

from tests.cells.conftest import toml
from tests.conformance.wire import Wire
from tests.fakes import FakeProvider
from tests.fakes.gateway import Gateway


@pytest.fixture
def wire(gateway: Gateway) -> Iterator[Wire]:
    made = Wire(gateway.base_url, gateway.key)
    with made.openai:
        yield made


@pytest.fixture(scope="package")
def _four(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, FakeProvider]]:
    with FakeProvider() as provider, Gateway(tmp_path_factory.mktemp("four"), toml(provider)) as gateway:
        yield gateway, provider


@pytest.fixture
def four(_four: tuple[Gateway, FakeProvider]) -> tuple[Gateway, FakeProvider]:
    """A gateway whose providers `chat`, `responses`, `messages` and `gemini` speak these dialects."""
    _four[1].forget()
    return _four
