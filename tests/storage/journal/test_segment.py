"""Segments at the edge of the operating system: real allocation, and a limit that the kernel enforces."""

import subprocess
import sys
from pathlib import Path

import pytest

from fastgw.storage.journal import segment
from fastgw.storage.journal.layout import HEAD, HEAD_BYTES, MAGIC

SIZE = 64 * 1024


def test_a_segment_has_all_its_blocks_before_it_has_its_name(tmp_path: Path) -> None:
    made = segment.Segment.create(tmp_path, 3, SIZE)
    path = tmp_path / "0000000003.seg"
    assert path.stat().st_size == SIZE
    assert path.stat().st_blocks * 512 >= SIZE
    assert path.read_bytes() == HEAD.pack(MAGIC, 3) + bytes(SIZE - HEAD_BYTES)
    made.octets[100:104] = b"abcd"
    made.sync()
    assert path.read_bytes()[100:104] == b"abcd"
    made.remove(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_allocation_fails_as_a_whole_where_the_kernel_sets_a_limit(tmp_path: Path) -> None:
    program = """
import resource, sys
from pathlib import Path
from fastgw.storage.journal.segment import Segment
resource.setrlimit(resource.RLIMIT_FSIZE, (32768, 32768))
try:
    Segment.create(Path(sys.argv[1]), 0, 65536)
except OSError as error:
    print("refused", error.errno)
"""
    command = [sys.executable, "-c", program, str(tmp_path)]
    run = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    assert run.returncode == 0, run.stderr
    assert run.stdout.startswith("refused")
    assert list(tmp_path.iterdir()) == []


def test_a_lock_is_had_once(tmp_path: Path) -> None:
    held = segment.lock(tmp_path / "owner", wait=False)
    assert held >= 0
    with pytest.raises(BlockingIOError):
        segment.lock(tmp_path / "owner", wait=False)
