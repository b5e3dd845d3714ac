"""What `make` needs beforehand is found, or named with the remedy; and no target hides behind a missing file."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
FIND = ROOT / "scripts" / "find-python"


def program(path: Path, text: str) -> Path:
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)
    return path


def find(python: str = "", path: str = "/usr/bin:/bin") -> subprocess.CompletedProcess[str]:
    environ = {"PATH": path, "PYTHON": python}
    return subprocess.run([FIND], env=environ, capture_output=True, text=True, check=False)


def test_a_python_that_fits_is_taken() -> None:
    found = find(sys.executable)
    assert found.returncode == 0
    assert found.stdout.strip() == sys.executable


def test_the_newest_is_preferred_and_a_shim_without_a_python_passed_over(tmp_path: Path) -> None:
    program(tmp_path / "python3.14", "echo not installed >&2; exit 127")
    program(tmp_path / "python3.13", f'exec {sys.executable} "$@"')
    program(tmp_path / "python3.12", f'exec {sys.executable} "$@"')
    found = find(path=f"{tmp_path}:/usr/bin:/bin")
    assert found.stdout.strip() == str(tmp_path / "python3.13")


def test_an_old_python_is_named_with_what_is_needed(tmp_path: Path) -> None:
    old = program(tmp_path / "python3", "exit 1")
    found = find(str(old))
    assert found.returncode == 1
    assert "3.11 to 3.14" in found.stderr
    assert str(old) in found.stderr


def test_a_missing_venv_is_named_with_the_package_that_brings_it(tmp_path: Path) -> None:
    bare = program(tmp_path / "python3", f'case "$2" in *ensurepip*) exit 1;; esac\nexec {sys.executable} "$@"')
    found = find(str(bare))
    assert found.returncode == 1
    assert "apt-get install python3." in found.stderr
    assert "-venv" in found.stderr


def test_the_command_line_of_a_checkout_runs_from_any_folder(tmp_path: Path) -> None:
    """As `make` links it; the README names `.venv/bin/fastgw`."""
    link = "ln -sf ../../scripts/fastgw $(BIN)/fastgw"
    assert link in (ROOT / "Makefile").read_text()
    checkout, folder = tmp_path / "a check out", tmp_path / "elsewhere"
    commands = checkout / ".venv" / "bin"
    for made in (commands, folder, checkout / "scripts"):
        made.mkdir(parents=True)
    program(commands / "python", f'exec {sys.executable} "$@"')
    shutil.copy(ROOT / "scripts" / "fastgw", checkout / "scripts" / "fastgw")
    (checkout / "fastgw").symlink_to(ROOT / "fastgw")
    subprocess.run(["ln", "-sf", "../../scripts/fastgw", str(commands / "fastgw")], check=True)
    environ = {"PATH": "/usr/bin:/bin"}
    for command in (commands / "fastgw", checkout / "scripts" / "fastgw"):
        done = subprocess.run([command, "--help"], cwd=folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        assert "keys" in done.stdout


def test_every_target_that_help_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    named = re.findall(r'@echo "make ([a-z0-9-]+) ', makefile)
    assert len(named) > 8
    for target in named:
        assert f"\n.PHONY: {target}\n" in makefile
        done = subprocess.run(
            ["make", "--dry-run", target], cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
