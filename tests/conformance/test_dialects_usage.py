"""What a call used is written down the same, whichever dialects the caller and the provider speak."""

import httpx
import pytest

from tests.cells.callers import CALLERS
from tests.cells.question import Question
from tests.cells.scenarios import told_tokens
from tests.conformance.dialects import PROVIDERS, model
from tests.fakes import FakeProvider, Scene
from tests.fakes.gateway import Gateway
from tests.fakes.scene import Tokens
from tests.path import evidence

TOKENS = Tokens(11, 1_024, 256, 5, 32)


@pytest.mark.parametrize("stream", [False, True])
def test_rows(four: tuple[Gateway, FakeProvider], stream: bool) -> None:
    gateway, provider = four
    provider.always(Scene(tokens=TOKENS))
    found = {}
    for caller, speaks in CALLERS.items():
        for dialect in PROVIDERS:
            url = gateway.url + speaks.path(model(dialect), stream=stream)
            body = speaks.body(Question(), model(dialect), stream=stream)
            answer = httpx.post(url, json=body, headers=speaks.headers(gateway.key), timeout=30)
            assert answer.status_code == 200
            found[caller, dialect] = answer
    for (caller, dialect), answer in found.items():
        told = told_tokens(TOKENS, dialect)
        row = evidence.row_of(gateway, answer)
        counted = {
            "in_text": told.text,
            "cache_read": told.read,
            "cache_write_5m": told.write,
            "out_text": told.said,
            "out_reasoning": told.thought,
        }
        assert {name: row[name] for name in counted} == counted, (caller, dialect)
