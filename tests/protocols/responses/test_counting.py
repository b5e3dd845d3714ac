"""How many tokens a question has."""

import msgspec

from fastgw.protocols.responses import counting
from tests.conformance import spec


def test_the_answer() -> None:
    made = msgspec.json.decode(counting.render(42))
    spec.assert_valid(made, "TokenCountsResource")
    assert made == {"object": "response.input_tokens", "input_tokens": 42}
