"""Starting, pinning and accounting of the processes that are measured."""

import subprocess
import sys

import pytest

from bench.processes import Tree

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the benchmark reads /proc")

BURN = "import time\nend = time.process_time() + {seconds}\nwhile time.process_time() < end: pass\n"
PARENT = """
import subprocess, sys
for line in sys.stdin:
    subprocess.run([sys.executable, "-c", {burn!r}])
    print("done", flush=True)
"""


def test_the_time_of_children_counts_also_when_they_have_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT.format(burn=BURN.format(seconds=0.3))],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        tree = Tree(parent.pid, "none")
        before = tree.cpu()
        parent.stdin.write(b"go\n")
        parent.stdin.flush()
        assert parent.stdout.readline() == b"done\n"
        used_us = sum(tree.cpu().since(before).values())
        assert tree.pids() == [parent.pid]
        assert 250_000 < used_us < 3_000_000
        assert sum(tree.memory_mb().values()) > 1
        parent.stdin.close()


def test_a_process_that_left_the_tree_is_found_by_its_mark() -> None:
    leave = "import os, time\nif os.fork(): os._exit(0)\nos.setsid()\nprint(os.getpid(), flush=True)\ntime.sleep(60)\n"
    command = [sys.executable, "-c", leave]
    with subprocess.Popen(command, stdout=subprocess.PIPE, env={"BENCH_TREE": "mark of this test"}) as gone:
        assert gone.stdout is not None
        daemon = int(gone.stdout.readline())
        gone.wait()
        try:
            assert Tree(gone.pid, "mark of this test").pids() == [daemon]
            assert Tree(gone.pid, "another mark").pids() == []
        finally:
            subprocess.run(["kill", str(daemon)], check=True)
