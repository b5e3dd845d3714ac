"""The control plane over SQLite, or over both databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.schema import migrate
from tests.controlplane.plane import Plane
from tests.storage.sql.databases import engine, postgres, url

__all__ = ["engine", "postgres", "url"]


@pytest.fixture
def plane(tmp_path: Path) -> Iterator[Plane]:
    """Over SQLite."""
    address = f"sqlite:///{tmp_path / 'plane.db'}"
    migrate(address)
    made = open_engine(address)
    yield Plane(made, tmp_path)
    made.dispose()


@pytest.fixture
def both(engine: Engine, tmp_path: Path) -> Plane:
    """Over each database, for what is done in SQL."""
    return Plane(engine, tmp_path)
