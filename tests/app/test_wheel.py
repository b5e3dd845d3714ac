"""The wheel works without the checkout: installed into an empty environment, it serves from an empty folder."""

import os
import signal
import subprocess
import sys
import sysconfig
import venv
import zipfile
from pathlib import Path

import httpx
import pytest

from tests.fakes.gateway import PATIENCE_S, ROOT, Gateway

BUILD_S = 300


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    tools = folder / "tools"
    venv.create(tools, with_pip=True)
    pip = [str(tools / "bin" / "python"), "-m", "pip", "--disable-pip-version-check", "--quiet"]
    build = ["wheel", "--no-build-isolation", "--no-deps", "--wheel-dir", str(folder), str(ROOT)]
    for arguments in (["install", "--require-hashes", "-r", str(ROOT / "docker" / "build.txt")], build):
        done = subprocess.run([*pip, *arguments], capture_output=True, text=True, timeout=BUILD_S, check=False)
        assert done.returncode == 0, done.stdout + done.stderr
    (built,) = folder.glob("fastgw-*.whl")
    return built


@pytest.mark.long
def test_everything_but_python_comes_along(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        inside = set(archive.namelist())
    for path in (ROOT / "fastgw").rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            assert str(path.relative_to(ROOT)) in inside
    assert not [name for name in inside if name.startswith(("tests/", "bench/"))]


@pytest.mark.long
def test_the_wheel_serves_from_an_empty_folder(wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    environment = tmp_path / "env"
    venv.create(environment, with_pip=True)
    python = environment / "bin" / "python"
    subprocess.run(
        [python, "-m", "pip", "--disable-pip-version-check", "--quiet", "install", "--no-deps", wheel],
        timeout=BUILD_S,
        check=True,
    )
    # Its dependencies are the ones that the tests run with; of the gateway itself nothing may come from there.
    site = next((environment / "lib").glob("python*/site-packages"))
    (site / "dependencies.pth").write_text(sysconfig.get_paths()["purelib"])

    monkeypatch.setattr(sys, "executable", str(python))
    with Gateway(tmp_path / "empty", workers=1, environ={"PYTHONPATH": ""}) as gateway:
        hello = {"model": "sandbox/echo", "messages": [{"role": "user", "content": "Hello"}]}
        answer = httpx.post(
            f"{gateway.base_url}/chat/completions", json=hello, headers=gateway.headers(), timeout=PATIENCE_S
        )
        assert answer.status_code == 200, answer.text
        gateway.until_usage(lambda told: told["totals"]["requests"] == 1)
        assert gateway.stop(signal.SIGINT) == 0

    def said(*command: str | Path) -> str:
        alone = {**os.environ, "PYTHONPATH": ""}
        return subprocess.run(command, cwd=tmp_path, env=alone, capture_output=True, text=True, check=True).stdout

    assert said(python, "-c", "import fastgw; print(fastgw.__file__)").startswith(str(site))
    assert "Usage: fastgw" in said(environment / "bin" / "fastgw", "--help")
