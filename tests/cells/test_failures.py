"""16 cells, each with every kind of failure: the caller's own error, and nothing that looks like a whole answer."""

import threading
from dataclasses import replace

import pytest

from tests.cells import golden
from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import Heard, Received
from tests.cells.scenarios import FAILED
from tests.cells.test_answers import CELLS
from tests.fakes import Scene
from tests.fakes.speech import dialect_of

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize("scenario", FAILED)
@pytest.mark.parametrize(("caller", "provider"), CELLS)
async def test_cell(ground: Ground, caller: str, provider: str, scenario: str) -> None:
    case = FAILED[scenario]
    parts = {}
    for stream in (False, True):
        ground.provider.forget()
        gate = threading.Event() if stream else None
        ground.provider.always(replace(case.scene, gate=gate) if isinstance(case.scene, Scene) else case.scene)
        model = f"{provider}/{MODELS[provider]}"
        asked = CALLERS[caller].body(case.question, model, stream=stream)
        got = await ground.ask(caller, CALLERS[caller].path(model, stream=stream), asked, gate=gate)
        requests = ground.provider.requests
        assert requests
        assert {dialect_of(seen.target) for seen in requests} == {provider}
        parts["stream" if stream else "unary"] = golden.exchange(requests[:1], got)
        heard = CALLERS[caller].hear(got, stream=stream)
        assert heard.error, got.body
        assert b"PROVIDER" not in got.body or caller == provider
        assert b"127.0.0.1" not in got.body
        if stream and scenario in {"error_midway", "disconnect"}:
            assert_broken_off(got, heard)
        elif scenario == "error_400":
            assert got.status == 400
            assert "The word 'bad' is not allowed." in heard.error
        else:
            assert got.status >= 500, got.body
    golden.check(f"{caller}-{provider}", scenario, parts)


def assert_broken_off(got: Received, heard: Heard) -> None:
    """What came before the failure was delivered, and no end was made up."""
    assert got.status == 200
    assert heard.text
    assert "Hello from the fake provider.".startswith(heard.text)
    assert not heard.stop
    for mark in (b"message_stop", b"response.completed", b'"finishReason"', b'"finish_reason":"', b'"stop_reason":"'):
        assert mark not in got.body
