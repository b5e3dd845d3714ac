"""One sandbox process for all tests of its own."""

import subprocess
from collections.abc import Iterator

import httpx
import pytest

from fastgw.sandbox.launch import command
from tests.fakes.gateway import ROOT


@pytest.fixture(scope="session")
def base_url() -> Iterator[str]:
    process = subprocess.Popen(command(), stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert process.stdout is not None
    yield process.stdout.readline().strip()
    process.terminate()
    assert process.wait(20) == 0
    process.stdout.close()


@pytest.fixture
def client(base_url: str) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"{base_url}/", timeout=30) as client:
        yield client
