"""A real database of either kind, and a real embedded Valkey."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from fastgw.storage.valkey import embedded
from tests.storage.sql.databases import engine, postgres, url

__all__ = ["engine", "postgres", "url", "valkey"]


@pytest.fixture
def valkey(tmp_path: Path) -> Iterator[embedded.Embedded]:
    (tmp_path / "valkey").mkdir()
    started = embedded.start(tmp_path / "valkey")
    yield started
    started.stop()
