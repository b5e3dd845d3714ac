"""A whole gateway as a user starts it: the process `fastgw serve` on an ephemeral port, with data of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

PATIENCE_S = 60.0
"""How long a start, a stop or a row of usage may take on a busy machine."""
ROOT = Path(__file__).resolve().parents[2]

_OURS = re.compile(
    r"FASTGW_|PORT$|DATA_DIR$|CONFIG$|\w+_API_KEY$|\w+_BASE_URL$|(?:HTTPS?|ALL|NO)_PROXY$", re.IGNORECASE
)
_READY = re.compile(r"Ready on (\S+)")
_KEY = re.compile(r"API key, shown this once: (\S+)")

running: list["Gateway"] = []
"""Gateways that run now; a failing test shows their logs."""


def provider_toml(name: str, base_url: str, models: tuple[str, ...] = ("fake-1", "fake-2"), more: str = "") -> str:
    """One `[[providers]]` entry with a secret; `more` is further lines of it."""
    return (
        f'[[providers]]\nname = "{name}"\nbase_url = "{base_url}"\nsecret = "sk-upstream-{name}"\n'
        f"models = {json.dumps(models)}\n{more}\n"
    )


class Gateway:
    """`with Gateway(folder, toml) as gateway:` starts it and waits for `/readyz`.

    `url` is its origin, `key` the API key that it minted at its first start, `base_url` what an OpenAI SDK takes.
    """

    def __init__(
        self,
        folder: Path,
        config: str = "",
        *,
        workers: int = 1,
        environ: Mapping[str, str] | None = None,
        ca_file: str = "",
    ) -> None:
        """`config` is the text of the TOML file; `ca_file` is what signed its `tls_cert`, if it has one."""
        self.folder = folder
        self.data_dir = folder / "data"
        self.log_path = folder / "serve.log"
        self.url = ""
        self.key = ""
        self.ca_file = ca_file
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "gateway.toml").write_text(config)
        self.environ = {name: value for name, value in os.environ.items() if not _OURS.match(name)} | {
            "FASTGW_CONFIG": str(folder / "gateway.toml"),
            "FASTGW_DATA_DIR": str(self.data_dir),
            "FASTGW_PORT": "0",
            "FASTGW_WORKERS": str(workers),
            "PYTHONPATH": str(ROOT),
            **(environ or {}),
        }
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def base_url(self) -> str:
        """For SDKs: the origin and `/v1`."""
        return f"{self.url}/v1"

    @property
    def log(self) -> str:
        """Everything that it and its processes have written."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    @property
    def pid(self) -> int:
        """Of the supervisor."""
        assert self._process is not None
        return self._process.pid

    def pids(self) -> dict[str, int]:
        """The supervisor's processes by name: `worker-0`, `keeper`, `valkey`, …"""
        return {name: pid for pid, name, _ in json.loads((self.data_dir / "processes").read_bytes())}

    def start(self) -> Self:
        """Start it and wait until it serves; also again after `stop` or `kill`, on the same data and another port."""
        before = len(self.log)
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "fastgw", "serve"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self.environ,
                cwd=self.folder,
                start_new_session=True,
            )
        running.append(self)
        self._wait(lambda: _READY.search(self.log, before), "it to be ready")
        self.url = _READY.findall(self.log)[-1]
        self.key = (_KEY.findall(self.log) or [self.key])[-1]
        with httpx.Client(verify=self.verify) as client:
            self._wait(lambda: client.get(f"{self.url}/readyz").status_code == 200, "/readyz")
        return self

    @property
    def verify(self) -> Any:
        """What httpx takes as `verify`."""
        import ssl

        return ssl.create_default_context(cafile=self.ca_file) if self.ca_file else True

    def stop(self, number: int = signal.SIGTERM) -> int:
        """Send a signal to the supervisor and wait for its end; the result is its exit code."""
        assert self._process is not None
        self._process.send_signal(number)
        try:
            return self._process.wait(PATIENCE_S)
        finally:
            self._end()

    def kill(self) -> None:
        """`kill -9` of the supervisor; waits until the processes that it leaves behind have ended too."""
        assert self._process is not None
        left = self.pids()
        self._process.kill()
        self._process.wait(PATIENCE_S)
        deadline = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline and any(map(alive, left.values())):
            time.sleep(0.02)
        self._end()

    def cli(self, *arguments: str, check: bool = True) -> subprocess.CompletedProcess[str]:
        """Run the command line with this gateway's settings and data."""
        done = subprocess.run(
            [sys.executable, "-m", "fastgw", *arguments],
            env=self.environ,
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        assert not check or done.returncode == 0, f"fastgw {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done

    def mint(self, name: str = "test", *options: str) -> str:
        """A new key; options as `keys create` takes them (`--rpm 60`, `--models fake/*`, …)."""
        key: str = json.loads(self.cli("keys", "create", name, *options, "--json").stdout)["key"]
        return key

    def usage(self) -> dict[str, Any]:
        """What `fastgw usage --json` tells: `totals` and `by_model`. Rows come a moment after their answers."""
        told: dict[str, Any] = json.loads(self.cli("usage", "--json").stdout)
        return told

    def until_usage(self, enough: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
        """Poll `usage` until `enough` holds."""
        found: dict[str, Any] = {}

        def look() -> object:
            nonlocal found
            found = self.usage()
            return enough(found)

        self._wait(look, "usage", pause_s=0.2)
        return found

    def headers(self, key: str = "") -> dict[str, str]:
        """What a request needs."""
        return {"authorization": f"Bearer {key or self.key}"}

    def _wait(self, condition: Callable[[], object], what: str, pause_s: float = 0.02) -> None:
        assert self._process is not None
        deadline = time.monotonic() + PATIENCE_S
        while True:
            try:
                if condition():
                    return
            except httpx.TransportError:
                pass
            ended = self._process.poll()
            assert ended is None, f"fastgw serve ended with {ended}:\n{self.log}"
            assert time.monotonic() < deadline, f"waited {PATIENCE_S} s in vain for {what}:\n{self.log}"
            time.sleep(pause_s)

    def _end(self) -> None:
        if self in running:
            running.remove(self)

    def __enter__(self) -> Self:
        try:
            return self.start()
        except BaseException:
            self.__exit__()
            raise

    def __exit__(self, *_: object) -> None:
        if self._process is not None and self._process.poll() is None:
            try:
                self.stop()
            except subprocess.TimeoutExpired:
                # It leads a session of its own: nothing of it may outlive the test.
                os.killpg(self._process.pid, signal.SIGKILL)
                self._process.wait(PATIENCE_S)
                raise
        self._end()


def alive(pid: int) -> bool:
    """Whether a process runs; one that has ended and was not waited for does not."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    if sys.platform != "linux":
        return True
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
