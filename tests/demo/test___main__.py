"""The demo as a person starts it."""

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.fakes.gateway import PATIENCE_S, ROOT, alive


def test_ends_with_an_answer_and_the_row_of_its_usage(tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    done = subprocess.run(
        [sys.executable, "-m", "fastgw.demo"], capture_output=True, text=True, env=environ, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    question, _, rest = done.stdout.partition("> ")[2].partition("\n")
    answer, _, usage = rest.partition("What it used")
    assert "lighthouse" in question
    assert len(answer.split()) > 20
    assert '"local/smollm2-135m"' in usage
    assert re.search(r'"output_tokens": [1-9]\d*', usage)
    assert not list(tmp_path.glob("fastgw-demo-*")), "the demo left its folder behind"


def test_ctrl_c_ends_everything(tmp_path: Path) -> None:
    environ = os.environ | {"PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)}
    with subprocess.Popen([sys.executable, "-m", "fastgw.demo"], stdout=subprocess.PIPE, env=environ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if b"asking" in line:
                break
        (folder,) = tmp_path.glob("fastgw-demo-*")
        started = json.loads((folder / "data" / "processes").read_bytes())
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE_S) == 130
    assert len(started) >= 3
    assert not [name for pid, name, _ in started if alive(pid)]
    assert not folder.exists()
