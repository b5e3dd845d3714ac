"""Fixtures: every test that takes `url` or `engine` runs on both databases."""

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from fastgw.storage.sql.engine import open_engine
from fastgw.storage.sql.schema import migrate
from tests.storage.sql.postgres import own_database, running_server

_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """URL of a server for all tests."""
    with running_server() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """An empty database."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'fastgw.db'}"
    else:
        with own_database(request.getfixturevalue("postgres"), f"test_{next(_numbers)}") as found:
            yield found


@pytest.fixture
def engine(url: str) -> Iterator[Engine]:
    """A database with the current schema."""
    migrate(url)
    made = open_engine(url)
    yield made
    made.dispose()
