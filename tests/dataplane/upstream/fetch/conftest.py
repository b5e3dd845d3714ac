"""What the tests of the fetching share."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack

import pytest

from tests.dataplane.upstream.fetch.world import World
from tests.dataplane.upstream.origin import Certificates


@pytest.fixture
async def world(certificates: Certificates) -> AsyncIterator[World]:
    async with AsyncExitStack() as stack:
        yield World(stack, certificates)
