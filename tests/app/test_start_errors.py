"""A start that goes wrong says what is wrong and what to do, in one text, and exits with a code that scripts know."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.fakes.gateway import PATIENCE_S, ROOT


def serve(folder: Path, *arguments: str, **environ: str) -> subprocess.CompletedProcess[str]:
    """`fastgw serve` in an environment that has nothing but what is given; it must end by itself."""
    given = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "FASTGW_DATA_DIR": str(folder / "data"),
        "FASTGW_PORT": "0",
        "FASTGW_WORKERS": "1",
    }
    return subprocess.run(
        [sys.executable, "-m", "fastgw", "serve", *arguments],
        cwd=folder,
        env=given | environ,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )


def closed_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port: int = listener.getsockname()[1]
    return port


@pytest.mark.parametrize("shares", [False, True])
def test_a_taken_port_is_named(tmp_path: Path, shares: bool) -> None:
    """Also one whose owner lets others share it: that would take half of its requests, silently."""
    with socket.socket() as other:
        if shares:
            other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = serve(tmp_path, "--port", str(port))
    assert done.returncode == 1
    assert f"Port {port} on 127.0.0.1 cannot be used" in done.stderr
    assert "PORT=" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    done = serve(tmp_path, "--data-dir", str(tmp_path / "file" / "data"))
    assert done.returncode == 1
    assert f"The data folder {tmp_path / 'file' / 'data'} is not writable" in done.stderr
    assert "DATA_DIR" in done.stderr


def test_a_broken_file_is_named_with_its_line(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[listen]\nport = = 1\n")
    done = serve(tmp_path, "--config", str(config))
    assert done.returncode == 2
    assert f"{config}:2" in done.stderr


def test_an_unknown_setting_is_named_with_a_remedy(tmp_path: Path) -> None:
    config = tmp_path / "gateway.toml"
    config.write_text("[listen]\nport = 0\nworker = 1\n")
    done = serve(tmp_path, "--config", str(config))
    assert done.returncode == 2
    assert f"{config}:3: listen.worker" in done.stderr
    assert "workers" in done.stderr


def test_an_unknown_variable_is_named(tmp_path: Path) -> None:
    done = serve(tmp_path, FASTGW_WORKER="2")
    assert done.returncode == 2
    assert "FASTGW_WORKER" in done.stderr
    assert "FASTGW_WORKERS" in done.stderr


def test_a_store_that_does_not_answer_is_named(tmp_path: Path) -> None:
    port = closed_port()
    done = serve(tmp_path, FASTGW_REDIS_URL=f"redis://127.0.0.1:{port}/0")
    assert done.returncode == 1
    assert done.stdout.splitlines()[0].startswith("fastgw "), "the first line comes before anything slow"
    assert str(tmp_path / "data") in done.stdout.splitlines()[0]
    assert "(Valkey or Redis)" in done.stderr
    assert done.stderr.strip().splitlines()[-1].startswith("fastgw: ")
    assert "Traceback" not in done.stderr


def test_a_database_that_does_not_answer_is_named(tmp_path: Path) -> None:
    port = closed_port()
    done = serve(tmp_path, FASTGW_DATABASE_URL=f"postgresql://nobody:secret@127.0.0.1:{port}/none")
    assert done.returncode == 1
    assert f"127.0.0.1:{port}" in done.stderr
    assert "secret" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr
    assert (tmp_path / "data" / "processes").read_text() == "[]", "something was left running"


def test_a_wrong_certificate_is_named(tmp_path: Path) -> None:
    (tmp_path / "cert.pem").write_text("no certificate")
    done = serve(
        tmp_path,
        FASTGW_TLS_CERT=str(tmp_path / "cert.pem"),
        FASTGW_TLS_KEY=str(tmp_path / "cert.pem"),
    )
    assert done.returncode in {1, 2}
    assert "cert.pem" in done.stderr
    assert "Traceback" not in done.stderr
