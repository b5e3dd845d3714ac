"""The data folder: its lock between real processes, and the end of what a killed supervisor left."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from fastgw.app import folder
from fastgw.errors import StartupError
from tests.fakes.gateway import ROOT, alive

HOLD = (
    "import sys,pathlib;from fastgw.app import folder;"
    "lock=folder.Lock(pathlib.Path(sys.argv[1]));print('held',flush=True);input()"
)
DEAF = "import signal,sys;signal.signal(signal.SIGTERM,signal.SIG_IGN);print('up',flush=True);input()"


@pytest.fixture
def started() -> Iterator[list[subprocess.Popen[str]]]:
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        process.kill()
        process.communicate()


def start(started: list[subprocess.Popen[str]], code: str, *arguments: str) -> subprocess.Popen[str]:
    """A Python process that says one line and then waits."""
    process = subprocess.Popen(
        [sys.executable, "-c", code, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    started.append(process)
    assert process.stdout is not None
    assert process.stdout.readline()
    return process


def test_the_folder_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    folder.prepare(tmp_path / "a" / "b")
    assert (tmp_path / "a" / "b").stat().st_mode & 0o777 == 0o700
    assert list((tmp_path / "a" / "b").iterdir()) == []


def test_a_file_in_the_way_is_named(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("")
    with pytest.raises(StartupError, match="not writable"):
        folder.prepare(tmp_path / "a" / "b")


def test_the_lock_is_exclusive_and_ends_with_its_process(tmp_path: Path, started: list[subprocess.Popen[str]]) -> None:
    other = start(started, HOLD, str(tmp_path))
    with pytest.raises(StartupError, match=f"process {other.pid}"):
        folder.Lock(tmp_path)
    other.kill()
    other.wait()
    folder.Lock(tmp_path).release()
    folder.Lock(tmp_path).release()


def test_orphans_are_ended_also_those_that_do_not_listen(
    tmp_path: Path, started: list[subprocess.Popen[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "ORPHAN_TERM_MS", 200)
    deaf = start(started, DEAF)
    folder.record(tmp_path, {"worker-0": deaf.pid, "worker-1": 0})
    assert folder.reclaim(tmp_path) == ["worker-0"]
    assert deaf.wait() == -signal.SIGKILL


def test_a_process_that_only_has_the_same_id_is_left_alone(
    tmp_path: Path, started: list[subprocess.Popen[str]]
) -> None:
    stranger = start(started, DEAF)
    record = tmp_path / folder.PROCESSES
    record.write_text(f'[[{stranger.pid},"worker-0","long ago"]]')
    assert folder.reclaim(tmp_path) == []
    assert alive(stranger.pid)


@pytest.mark.parametrize("text", ["", "not json", '{"a": 1}', '[["x"]]'])
def test_a_record_that_cannot_be_read_counts_as_none(tmp_path: Path, text: str) -> None:
    (tmp_path / folder.PROCESSES).write_text(text)
    assert folder.reclaim(tmp_path) == []
