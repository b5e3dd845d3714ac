"""What all tests share: the event loop that the gateway runs on, and one running gateway before a scripted provider."""

import asyncio
import signal
from collections.abc import Callable, Generator, Iterator, Mapping

import pytest
import uvloop

from tests.fakes import FakeProvider
from tests.fakes.gateway import Gateway, provider_toml, running

LOG_CHARS_SHOWN = 8_000


def pytest_configure() -> None:
    # A shell starts background jobs with SIGINT ignored, and every child would inherit that: Ctrl-C would reach none.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.failed:
        for gateway in running:
            report.sections.append((f"log of {gateway.url or gateway.folder}", gateway.log[-LOG_CHARS_SHOWN:]))
    return report


@pytest.fixture(scope="session")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, FakeProvider]]:
    """One gateway for all tests that do not change it: two workers, the provider `fake` with `fake-1` and `fake-2`."""
    with FakeProvider() as provider:
        config = provider_toml("fake", provider.url)
        with Gateway(tmp_path_factory.mktemp("gateway"), config, workers=2) as gateway:
            yield gateway, provider


@pytest.fixture
def gateway(shared_gateway: tuple[Gateway, FakeProvider]) -> Gateway:
    """The shared gateway, running."""
    return shared_gateway[0]


@pytest.fixture
def provider(shared_gateway: tuple[Gateway, FakeProvider]) -> FakeProvider:
    """The shared gateway's provider, with no script and no record of earlier tests."""
    shared_gateway[1].forget()
    return shared_gateway[1]
