"""A client of OpenAI's SDK for Python before the shared gateway."""

from collections.abc import Iterator

import pytest

from tests.conformance.wire import Wire
from tests.fakes.gateway import Gateway


@pytest.fixture
def wire(gateway: Gateway) -> Iterator[Wire]:
    made = Wire(gateway.base_url, gateway.key)
    with made.openai:
        yield made
