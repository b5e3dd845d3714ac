"""A command line with a data folder of its own: as processes (`shell`), or within this one (`desk`)."""

from pathlib import Path

import pytest

from tests.fakes.shell import Inside, Shell


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    return Shell(tmp_path)


@pytest.fixture
def desk(tmp_path: Path) -> Inside:
    return Inside(tmp_path)
