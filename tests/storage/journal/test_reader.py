"""The keeper's side: damage anywhere is skipped with an alarm, and reading always ends."""

import logging
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from fastgw.storage.journal import JournalBounds, Journals, JournalWriter
from fastgw.storage.journal.layout import HEAD_BYTES
from fastgw.storage.journal.reader import DAMAGED
from tests.storage.journal.records import closed, drain, opened

SMALL = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)


def written(folder: Path, count: int = 300) -> tuple[str, list[str]]:
    """A stream of a worker that has ended, with `count` records, and their exchanges."""
    writer = JournalWriter.open(folder, "worker-0", SMALL)
    names = [f"ex_{i:06d}" for i in range(count)]
    for name in names:
        while not writer.room():
            time.sleep(0.001)
        writer.append(closed(name))
    writer.close()
    return writer.stream.name, names


def test_no_folder_means_no_streams(tmp_path: Path) -> None:
    assert Journals(tmp_path / "none").streams() == []


def test_an_unknown_stream_is_empty_and_dead(tmp_path: Path) -> None:
    journals = Journals(tmp_path)
    assert not journals.alive("gone")
    batch = journals.read("gone", 0, 0, alive=False, records_max=10)
    assert batch.records == [] and not batch.more


def test_a_torn_tail_reads_as_absent_without_alarm(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    stream, names = written(tmp_path, 10)
    path = tmp_path / stream / "0000000000.seg"
    content = bytearray(path.read_bytes())
    last = len(bytes(content).rstrip(b"\0"))
    content[last - 20 : last] = bytes(20)
    path.write_bytes(content)
    journals = Journals(tmp_path)
    with caplog.at_level(logging.ERROR):
        assert [r.exchange_id for r in drain(journals, stream, alive=False)] == names[:-1]
    assert caplog.records == []
    journals.close()


def test_damage_in_the_middle_is_skipped_with_an_alarm_and_the_segment_is_put_aside(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    stream, names = written(tmp_path)
    path = tmp_path / stream / "0000000000.seg"
    content = bytearray(path.read_bytes())
    at = bytes(content).index(names[100].encode())
    content[at] ^= 0xFF
    path.write_bytes(content)
    journals = Journals(tmp_path)
    with caplog.at_level(logging.ERROR):
        found = [r.exchange_id for r in drain(journals, stream, alive=False)]
    assert found == names[:100] + names[101:]
    assert "damaged" in caplog.text
    journals.remove(stream)
    assert not (tmp_path / stream).exists()
    assert [p.name for p in (tmp_path / DAMAGED).iterdir()] == [f"{stream}-{path.name}"]
    assert journals.streams() == []
    journals.close()


def test_pages_lost_in_a_power_cut_lose_only_what_was_in_them(tmp_path: Path) -> None:
    stream, names = written(tmp_path)
    path = tmp_path / stream / "0000000000.seg"
    content = bytearray(path.read_bytes())
    content[8192:12288] = bytes(4096)
    path.write_bytes(content)
    journals = Journals(tmp_path)
    found = [r.exchange_id for r in drain(journals, stream, alive=False)]
    missing = [name for name in names if name not in found]
    assert found == [name for name in names if name not in missing]
    assert 0 < len(missing) <= 4096 // 100 + 2
    journals.close()


def test_a_missing_segment_costs_only_itself(tmp_path: Path) -> None:
    stream, names = written(tmp_path, 1_200)
    segments = sorted((tmp_path / stream).glob("*.seg"))
    assert len(segments) >= 3
    segments[1].unlink()
    journals = Journals(tmp_path)
    found = [r.exchange_id for r in drain(journals, stream, alive=False)]
    assert found[0] == names[0] and found[-1] == names[-1] and len(found) < len(names)
    journals.close()


def test_a_new_database_reads_on_from_what_is_left_of_a_living_stream(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    journals = Journals(tmp_path)
    for i in range(700):
        while not writer.room():
            time.sleep(0.001)
        writer.append(closed(f"ex_{i}"))
    stream = writer.stream.name
    at = journals.read(stream, 0, 0, alive=True, records_max=10_000)
    assert at.segment >= 1
    journals.remove_before(stream, at.segment)
    again = drain(Journals(tmp_path), stream, alive=True)
    assert again and again[-1].exchange_id == "ex_699"
    writer.close()
    journals.close()


def test_a_living_writers_frame_seen_half_way_is_waited_for(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    writer.append(opened("ex_1"))
    journals = Journals(tmp_path)
    path = writer.stream / "0000000000.seg"
    whole = path.read_bytes()
    with path.open("r+b") as file:
        file.seek(HEAD_BYTES + 20)
        file.write(b"\0\0\0\0")
    with caplog.at_level(logging.ERROR):
        batch = journals.read(writer.stream.name, 0, 0, alive=True, records_max=10)
    assert batch.records == [] and caplog.records == []
    with path.open("r+b") as file:
        file.write(whole[: HEAD_BYTES + 1_000])
    assert len(journals.read(writer.stream.name, batch.segment, batch.offset, alive=True, records_max=10).records) == 1
    writer.close()
    journals.close()


@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(st.integers(0, 65_535), st.binary(min_size=1, max_size=300)), min_size=1, max_size=6),
    st.booleans(),
)
def test_whatever_is_scribbled_over_it_reading_ends_and_makes_nothing_up(
    tmp_path_factory: pytest.TempPathFactory, scribbles: list[tuple[int, bytes]], alive: bool
) -> None:
    folder = tmp_path_factory.mktemp("journal")
    stream, names = written(folder, 250)
    path = folder / stream / "0000000000.seg"
    content = bytearray(path.read_bytes())
    size = len(content)
    for at, rubbish in scribbles:
        content[at : at + len(rubbish)] = rubbish
    path.write_bytes(content[:size])
    journals = Journals(folder)
    found = [record.exchange_id for record in drain(journals, stream, alive=alive)]
    assert set(found) <= set(names)
    assert len(found) == len(set(found))
    if not alive:
        touched = sum(len(rubbish) for _, rubbish in scribbles)
        assert len(names) - len(found) <= touched // 100 + 2 * len(scribbles)
    journals.close()
