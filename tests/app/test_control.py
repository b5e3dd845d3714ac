"""The control plane's threads: made late, bounded, and never in the way of the loop."""

import asyncio
import subprocess
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from fastgw.app.control import Control
from fastgw.errors import GatewayError
from fastgw.providers import VENDORS
from fastgw.settings import Settings, load
from fastgw.storage.sql.engine import url_of
from fastgw.storage.sql.schema import migrate


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    migrate(url_of("", tmp_path))
    environ = {"FASTGW_DATA_DIR": str(tmp_path), "FASTGW_REDIS_URL": "redis://127.0.0.1:1"}
    return load(environ, None, VENDORS)


@pytest.fixture
async def control(settings: Settings) -> AsyncIterator[Control]:
    made = Control(settings, waiting_max=3, timeout_s=30)
    yield made
    await made.aclose()


async def test_work_runs_beside_the_loop_with_the_services(control: Control) -> None:
    def work(services: Any) -> tuple[str, int]:
        return threading.current_thread().name, services.prices.version()

    name, version = await control.run(work)
    assert name.startswith("control") and version == 0
    spending = await control.spending("key_a", "", 20261121, 20261121)
    assert spending.total.requests == 0


async def test_too_much_work_is_refused_and_not_queued(control: Control) -> None:
    go = threading.Event()
    running = [asyncio.ensure_future(control.run(lambda _: go.wait(30))) for _ in range(3)]
    await asyncio.sleep(0)
    with pytest.raises(GatewayError) as refused:
        await control.run(lambda _: 1)
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)
    go.set()
    assert await asyncio.gather(*running) == [True] * 3
    assert await control.run(lambda _: 1) == 1


async def test_a_caller_waits_for_a_time_only_and_the_work_counts_until_it_ends(settings: Settings) -> None:
    control = Control(settings, waiting_max=3, timeout_s=0.05)
    go = threading.Event()
    with pytest.raises(GatewayError, match="books"):
        await control.run(lambda _: go.wait(30))
    assert control.waiting == 1
    go.set()
    async with asyncio.timeout(30):
        while control.waiting:
            await asyncio.sleep(0.01)
    await control.aclose()


async def test_a_caller_who_hangs_up_leaves_the_work_to_itself(control: Control) -> None:
    go = threading.Event()
    caller = asyncio.ensure_future(control.run(lambda _: go.wait(30)))
    await asyncio.sleep(0)
    caller.cancel()
    await asyncio.wait({caller})
    assert control.waiting == 1
    go.set()
    async with asyncio.timeout(30):
        while control.waiting:
            await asyncio.sleep(0.01)


async def test_failures_of_the_database_are_503_and_defects_stay_what_they_are(control: Control) -> None:
    def away(_: Any) -> None:
        raise OperationalError("SELECT secret", {}, OSError("no route to 10.1.2.3"))

    def wrong(_: Any) -> None:
        raise TimeoutError("of its own")

    with pytest.raises(GatewayError) as failed:
        await control.run(away)
    assert failed.value.status == 503
    assert "SELECT" not in failed.value.message and "10.1" not in failed.value.message
    with pytest.raises(TimeoutError, match="of its own"):
        await control.run(wrong)


async def test_closing_one_that_was_never_used(settings: Settings) -> None:
    await Control(settings).aclose()


def test_a_worker_loads_neither_database_nor_http_client_at_start() -> None:
    heavy = ("sqlalchemy", "httpx", "alembic", "psycopg")
    code = f"import fastgw.app.worker, sys; print([name for name in {heavy!r} if name in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
