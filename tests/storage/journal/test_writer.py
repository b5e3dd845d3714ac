"""The worker's side: everything that was appended can be read, and a full disk refuses the new, never the running."""

import errno
import os
import time
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fastgw.errors import ErrorKind, GatewayError, StartupError
from fastgw.records import Closed, JournalRecord, Outcome
from fastgw.storage.journal import JournalBounds, Journals, JournalWriter
from fastgw.storage.journal import segment as segment_module
from fastgw.storage.journal.layout import CLOSED_BYTES_MAX, OPENED_BYTES_MAX, frame_bytes
from fastgw.usage import Usage
from tests.storage.journal.records import checkpoint, closed, drain, opened

SMALL = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)
DEADLINE_S = 20.0


def until(condition: object, what: str) -> None:
    assert callable(condition)
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline, f"not in {DEADLINE_S} s: {what}"
        time.sleep(0.001)


def appended(writer: JournalWriter, record: JournalRecord) -> None:
    """Append when there is room: the small segments of a test are full sooner than the next is allocated."""
    until(writer.room, "room in the journal")
    writer.append(record)


def test_records_come_back_as_they_were_across_segments(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    written: list[JournalRecord] = []
    for i in range(1_000):
        for record in (opened(f"ex_{i}"), checkpoint(f"ex_{i}"), closed(f"ex_{i}")):
            appended(writer, record)
            written.append(record)
    journals = Journals(tmp_path)
    [stream] = journals.streams()
    assert stream.startswith("worker-0-")
    assert journals.alive(stream)
    assert drain(journals, stream, alive=True) == written
    writer.close()
    assert not journals.alive(stream)
    assert drain(journals, stream, alive=False, records_max=1) == written
    assert len(list(writer.stream.glob("*.seg"))) > 3
    journals.close()


@settings(deadline=None, max_examples=30)
@given(st.lists(st.tuples(st.sampled_from("ocp"), st.integers(0, 20), st.integers(0, 500)), max_size=600))
def test_any_order_of_appends_is_read_back(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, int, int]]
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    writer = JournalWriter.open(folder, "worker-0", SMALL)
    journals = Journals(folder)
    [stream] = journals.streams()
    written: list[JournalRecord] = []
    segment = offset = 0
    found: list[JournalRecord] = []
    for kind, number, padding in steps:
        name, model = f"ex_{number}", "m" * padding
        record: JournalRecord = checkpoint(name)
        if kind == "o":
            record = opened(name, model=model)
        elif kind == "c":
            record = closed(name, model=model)
        appended(writer, record)
        written.append(record)
        if number == 0:
            batch = journals.read(stream, segment, offset, alive=True, records_max=10_000)
            found += batch.records
            segment, offset = batch.segment, batch.offset
            assert found == written, "a reader beside the writer sees each record as soon as it was appended"
    writer.close()
    found += journals.read(stream, segment, offset, alive=False, records_max=10_000).records
    assert found == written
    journals.close()


def test_a_disk_that_fills_up_refuses_new_exchanges_and_takes_the_end_of_running_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    full = False
    real = segment_module.allocate

    def allocate(fd: int, size: int) -> None:
        if full:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        real(fd, size)

    monkeypatch.setattr(segment_module, "allocate", allocate)
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    full = True
    longest = "m" * 500
    running: list[str] = []
    while writer.room():
        running.append(f"ex_{len(running)}")
        writer.append(opened(running[-1], model=longest))
    assert len(running) > 40
    with pytest.raises(GatewayError) as refused:
        writer.append(opened("one too many"))
    assert refused.value.kind is ErrorKind.OVERLOADED
    for name in running:
        writer.append(checkpoint(name))
        writer.append(closed(name, model=longest))
    full = False
    until(writer.room, "room after the disk has space again")
    appended(writer, opened("later"))
    writer.close()
    journals = Journals(tmp_path)
    records = drain(journals, journals.streams()[0], alive=False)
    assert [r.exchange_id for r in records if isinstance(r, Closed)] == running
    assert "one too many" not in {r.exchange_id for r in records}
    journals.close()


def test_a_journal_that_nobody_drains_stops_growing(tmp_path: Path) -> None:
    bounds = msgspec.structs.replace(SMALL, undrained_bytes_max=4 * SMALL.segment_bytes)
    writer = JournalWriter.open(tmp_path, "worker-0", bounds)
    begun = 0
    deadline = time.monotonic() + DEADLINE_S
    quiet_since = time.monotonic()
    while time.monotonic() - quiet_since < 0.5:
        assert time.monotonic() < deadline
        if writer.room():
            writer.append(opened(f"ex_{begun}"))
            writer.append(closed(f"ex_{begun}"))
            begun += 1
            quiet_since = time.monotonic()
        else:
            time.sleep(0.005)
    assert sum(path.stat().st_size for path in writer.stream.glob("*.seg")) <= bounds.undrained_bytes_max
    journals = Journals(tmp_path)
    journals.remove_before(writer.stream.name, 3)
    until(writer.room, "room after the keeper removed segments")
    writer.close()


def test_what_an_exchange_may_need_at_its_end_is_what_is_kept_free() -> None:
    largest = 2**63 - 1
    encode = msgspec.msgpack.encode
    paid = {"account_id": "a" * 32, "purses": 3, "hold_nano": largest, "group": "g" * 64}
    begin = msgspec.structs.replace(
        opened("e" * 64, model="m" * 800, started_ms=largest), prompt_tokens_estimate=0, **paid
    )
    end = msgspec.structs.replace(
        closed("e" * 64, model="m" * 800, started_ms=largest),
        **paid,
        charge_nano=largest,
        cost_nano=largest,
        unpriced=True,
        usage_estimated=True,
        outcome=max(Outcome, key=lambda outcome: len(outcome.value)),
        error=max(ErrorKind, key=lambda kind: len(kind.value)),
        usage=Usage(*[largest] * len(Usage.__struct_fields__)),
        first_byte_ms=largest,
        total_ms=largest,
        gateway_us=largest,
        delivered_bytes=largest,
        attempts=largest,
    )
    growth = len(encode(end)) - len(encode(begin))
    assert frame_bytes(OPENED_BYTES_MAX + growth) <= CLOSED_BYTES_MAX


def test_a_record_without_measure_is_refused(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    with pytest.raises(GatewayError, match="too long") as refused:
        writer.append(opened("ex_1", model="m" * 2_000))
    assert refused.value.kind is ErrorKind.BAD_REQUEST
    writer.close()


def test_a_folder_that_cannot_be_made_is_a_start_up_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StartupError, match="cannot be written"):
        JournalWriter.open(tmp_path / "file" / "journal", "worker-0", SMALL)


def test_closing_gives_back_what_was_allocated_ahead(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    writer.append(opened("ex_1"))
    writer.close()
    writer.close()
    assert [path.name for path in writer.stream.glob("*.seg")] == ["0000000000.seg"]


def test_what_a_start_left_behind_is_cleared_by_the_next(tmp_path: Path) -> None:
    leftover = tmp_path / ".new-worker-0-1-x"
    leftover.mkdir()
    (leftover / "next.tmp").write_bytes(b"x")
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    assert Journals(tmp_path).streams() == [writer.stream.name]
    assert not leftover.exists()
    writer.close()
