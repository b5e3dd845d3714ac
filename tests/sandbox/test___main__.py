"""The sandbox as a person starts it."""

import subprocess
import sys
from pathlib import Path

from fastgw.sandbox import launch
from tests.fakes.gateway import ROOT


def test_tells_its_port_and_says_when_it_cannot_have_one(tmp_path: Path) -> None:
    file = tmp_path / "port"
    command = [sys.executable, "-m", "fastgw.sandbox", "--port-file", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=ROOT) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        port = int(file.read_text())
        assert url == f"http://127.0.0.1:{port}/v1"
        taken = subprocess.run(launch.command(port=port), capture_output=True, text=True, cwd=ROOT, check=False)
        assert taken.returncode == 1
        assert f"port {port}" in taken.stderr
        assert "Traceback" not in taken.stderr
        process.terminate()


def test_loads_nothing_of_the_gateway() -> None:
    probe = (
        "import fastgw.sandbox.__main__, sys\n"
        "heavy = {'starlette', 'httpx', 'redis', 'sqlalchemy', 'granian'} & set(sys.modules)\n"
        "own = {name for name in sys.modules if name.startswith('fastgw.') and not name.startswith('fastgw.sandbox')}\n"
        "print(*sorted(own | heavy))"
    )
    told = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, cwd=ROOT, check=True)
    assert told.stdout.split() == ["fastgw.clock", "fastgw.observe", "fastgw.observe.tasks"]
