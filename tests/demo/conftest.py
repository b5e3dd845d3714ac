"""The real model, once for all tests, as a process of its own."""

import subprocess
import sys
from collections.abc import Iterator

import pytest

from tests.fakes.gateway import ROOT


@pytest.fixture(scope="session")
def model_url() -> Iterator[str]:
    """Base URL of llama.cpp's own server around SmolLM2-135M."""
    process = subprocess.Popen(
        [sys.executable, "-m", "fastgw.demo.model"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT
    )
    assert process.stdin is not None
    assert process.stdout is not None
    url = process.stdout.readline().strip()
    assert url.startswith("http://"), "the model did not start; its message is above"
    yield url
    process.stdin.close()
    assert process.wait(20) == 0
    process.stdout.close()
