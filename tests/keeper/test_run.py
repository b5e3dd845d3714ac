"""The keeper as a whole, with every real store: keys mirrored, journals drained, lists published, ended by SIGTERM."""

import asyncio
import signal
import subprocess
import sys
from pathlib import Path

from redis.asyncio import Redis
from sqlalchemy import Engine

from fastgw import apikey
from fastgw.storage.journal import JournalBounds, JournalWriter
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.report import UsageReport
from fastgw.storage.valkey.embedded import Embedded
from tests.keeper.whole import DEADLINE_S, keeping
from tests.storage.journal.records import closed, opened

SMALL = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)
ROOT = Path(__file__).parents[2]

_KEEPER = """
import asyncio, signal, sys
from pathlib import Path
from fastgw.storage.sql.engine import open_engine
from tests.keeper.whole import keep
async def main(folder, database, store):
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    ready = lambda: print("ready", flush=True)
    await keep(Path(folder), open_engine(database), store, stop=stop, ready=ready)
asyncio.run(main(*sys.argv[1:]))
"""


async def test_keys_reach_the_mirror_at_start_after_a_change_and_after_its_loss(
    tmp_path: Path, engine: Engine, valkey: Embedded
) -> None:
    keys = Keys(engine)
    first = keys.create(apikey.mint(), name="first", now_ms=1).principal()
    async with keeping(tmp_path / "journal", engine, valkey) as mirror, asyncio.timeout(DEADLINE_S):
        while not await mirror.synced():
            await asyncio.sleep(0.02)
        assert await mirror.read(first.digest) == first
        second = keys.create(apikey.mint(), name="second", now_ms=2).principal()
        while await mirror.read(second.digest) != second:
            await asyncio.sleep(0.02)
        keys.revoke(first.key_id, 3)
        while not ((found := await mirror.read(first.digest)) and found.disabled):
            await asyncio.sleep(0.02)
        store = Redis.from_url(valkey.url)
        await store.flushall()
        await store.aclose()
        while not await mirror.synced():
            await asyncio.sleep(0.02)
        assert await mirror.read(second.digest) == second


async def test_an_exchange_shows_in_the_sums_soon_after_it_closed(
    tmp_path: Path, engine: Engine, valkey: Embedded
) -> None:
    writer = JournalWriter.open(tmp_path / "journal", "worker-0", SMALL)
    async with keeping(tmp_path / "journal", engine, valkey), asyncio.timeout(DEADLINE_S):
        writer.append(opened("ex_1"))
        writer.append(closed("ex_1"))
        while UsageReport(engine).read()["totals"]["requests"] != 1:
            await asyncio.sleep(0.02)
    writer.close()


def test_sigterm_drains_what_is_there_and_ends_well(tmp_path: Path, url: str, engine: Engine, valkey: Embedded) -> None:
    folder = tmp_path / "journal"
    writer = JournalWriter.open(folder, "worker-0", JournalBounds(disk_free_bytes_min=0))
    keeper = subprocess.Popen(
        [sys.executable, "-c", _KEEPER, str(folder), url, valkey.url], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert keeper.stdout is not None
    assert keeper.stdout.readline() == b"ready\n"
    for i in range(2_000):
        writer.append(closed(f"ex_{i}"))
    writer.close()
    keeper.send_signal(signal.SIGTERM)
    assert keeper.wait(timeout=60) == 0
    keeper.stdout.close()
    assert UsageReport(engine).read()["totals"]["requests"] == 2_000
    assert not list(folder.glob("worker-*"))
