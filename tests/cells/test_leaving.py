"""A caller that hangs up in the middle of a stream: the provider is told at once, in every cell."""

import threading

import pytest

from tests.cells.callers import CALLERS
from tests.cells.conftest import MODELS, Ground
from tests.cells.question import Question
from tests.cells.test_answers import CELLS
from tests.fakes import Scene

pytestmark = pytest.mark.asyncio(loop_scope="package")


@pytest.mark.parametrize(("caller", "provider"), CELLS)
async def test_cell(ground: Ground, caller: str, provider: str) -> None:
    # The gate stays shut: the provider waits in the middle of its answer.
    ground.provider.always(Scene(fails="cut", gate=threading.Event()))
    model = f"{provider}/{MODELS[provider]}"
    body = CALLERS[caller].body(Question(), model, stream=True)
    call = ground.call(caller, CALLERS[caller].path(model, stream=True), body).start()
    await call.until(lambda one: b"Hel" in one.text)
    (seen,) = ground.provider.requests
    assert not seen.gone.is_set()
    call.gone.set()
    await call.answer()
    await seen.until_gone()
