"""What the tests of the bench share."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from bench.upstream import Upstream


@pytest.fixture(scope="module")
def upstream(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Upstream]:
    """The fake provider as the benchmark starts it."""
    folder: Path = tmp_path_factory.mktemp("upstream")
    with Upstream(folder) as running:
        yield running
