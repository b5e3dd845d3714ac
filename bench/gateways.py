"""The contestants: how each is configured, started on its core, found ready, and ended."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from bench import machine, payloads
from bench.processes import MARK, Tree
from bench.upstream import Upstream

_ROOT = str(Path(__file__).parent.parent)
"""The checkout: what it starts runs from folders of its own."""
_READY_S_MAX = 60.0
_KEY = re.compile(r"sk-[A-Za-z0-9_-]{30,}")


class MissingPart(Exception):
    """A contestant cannot run here; the text says why."""


class Gateway:
    """One contestant. `direct` is one too: no process, the provider's own port."""

    name: ClassVar[str] = "direct"
    stages: ClassVar[str] = "none"

    def __init__(self, upstream: Upstream, *, tls: bool, core: str, folder: Path) -> None:
        self.upstream = upstream
        self.tls = tls
        self.core = core
        """The cores that it may use, in the form of `taskset -c`."""
        self.folder = folder
        self.port = upstream.port
        self.stream_port = upstream.port
        self.headers = ["authorization: Bearer x"]
        self.tree: Tree | None = None
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it answers a unary call. Raises `MissingPart`."""

    def stop(self) -> None:
        """End it, and whatever it started."""
        if self._process is None:
            return
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(timeout=20)
        except subprocess.TimeoutExpired:
            machine.note(f"{self.name} did not end within 20 s of SIGTERM: killed")
        for pid in self.tree.pids() if self.tree else ():
            os.kill(pid, signal.SIGKILL)
        self._process.wait()
        self._process = None

    def _spawn(self, command: list[str], environment: dict[str, str]) -> None:
        mark = uuid.uuid4().hex
        pinned = ["taskset", "-c", self.core, *command]
        with (self.folder / "output.log").open("ab") as output:
            set_up = {**os.environ, "PYTHONPATH": _ROOT, **environment, MARK: mark}
            self._process = subprocess.Popen(pinned, env=set_up, stdout=output, stderr=output, cwd=self.folder)
        self.tree = Tree(self._process.pid, mark)

    def output(self) -> str:
        """What it has printed so far."""
        log = self.folder / "output.log"
        return log.read_text(errors="replace") if log.exists() else ""

    def _wait_ready(self) -> None:
        deadline, seen = time.monotonic() + _READY_S_MAX, "nothing"
        while time.monotonic() < deadline:
            if self._process is not None and self._process.poll() is not None:
                raise MissingPart(f"{self.name} ended at start:\n{self.output()[-2000:]}")
            status, seen = self.ask()
            if status == 200:
                return
            time.sleep(0.05)
        raise MissingPart(f"{self.name} did not answer within {_READY_S_MAX:.0f} s, last: {seen}")

    def ask(self) -> tuple[int, str]:
        """Make one unary call: status (0: no answer) and the answer's beginning."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self.port}/v1/chat/completions",
            data=payloads.request_body(),
            headers={"content-type": "application/json"} | dict(h.split(": ", 1) for h in self.headers),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as answer:
                return answer.status, answer.read(200).decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read(500).decode(errors="replace")
        except OSError as error:
            return 0, str(error)


class Nginx(Gateway):
    """A reverse proxy that looks at nothing: the limit of what a process on one core can do."""

    name = "nginx proxy_pass"

    def start(self) -> None:
        """One worker; kept-alive connections to the provider; a port of its own, without buffering, for streams."""
        program = machine.find("nginx")
        if program is None:
            raise MissingPart("nginx is not installed (Debian: apt-get install nginx-light)")
        self.port, self.stream_port = free_port(), free_port()
        if self.tls:
            verify = f"proxy_ssl_verify on; proxy_ssl_trusted_certificate {self.upstream.ca_file};"
            forward = f"proxy_pass https://provider; proxy_ssl_name localhost; proxy_ssl_server_name on; {verify}"
            server = f"127.0.0.1:{self.upstream.tls_port}"
        else:
            forward, server = "proxy_pass http://provider;", f"127.0.0.1:{self.upstream.port}"
        site = f"location / {{ {forward} proxy_http_version 1.1; proxy_set_header Connection ''; }}"
        config = self.folder / "nginx.conf"
        config.write_text(
            f"daemon off; worker_processes 1; pid {self.folder}/nginx.pid; error_log {self.folder}/error.log warn;\n"
            "worker_rlimit_nofile 20000;\n"
            "events { worker_connections 10000; }\n"
            "http {\n"
            "  access_log off; keepalive_requests 100000000; client_body_buffer_size 64k; tcp_nodelay on;\n"
            f"  client_body_temp_path {self.folder}/body; proxy_temp_path {self.folder}/proxy;\n"
            f"  upstream provider {{ server {server}; keepalive 512; keepalive_requests 100000000; }}\n"
            f"  server {{ listen 127.0.0.1:{self.port} backlog=4096; {site} }}\n"
            f"  server {{ listen 127.0.0.1:{self.stream_port} backlog=4096; proxy_buffering off; {site} }}\n"
            "}\n"
        )
        self._spawn([program, "-p", str(self.folder), "-c", str(config), "-e", f"{self.folder}/error.log"], {})
        self._wait_ready()


class Fastgw(Gateway):
    """fastgw as users run it: key check, limiter, metering and journal on, default limits, one worker."""

    name = "fastgw (wire)"
    stages = "key, limits, splice, metering, journal, settlement"
    transport: ClassVar[str] = "wire"
    http_version: ClassVar[str] = "auto"

    def environment(self) -> dict[str, str]:
        """The settings; the provider's own CA and HTTP version need a TOML file."""
        base_url = f"{self.upstream.origin(self.tls)}/v1"
        settings = {
            "FASTGW_PORT": str(self.port),
            "FASTGW_DATA_DIR": str(self.folder / "data"),
            "FASTGW_WORKERS": "1",
            "FASTGW_TRANSPORT": self.transport,
            "OPENAI_API_KEY": "x",
            "OPENAI_BASE_URL": base_url,
        }
        if self.tls:
            config = self.folder / "fastgw.toml"
            config.write_text(
                f'[[providers]]\nname = "openai"\nvendor = "openai"\nbase_url = "{base_url}"\n'
                f'http_version = "{self.http_version}"\n'
                'credentials = [{ label = "bench", secret = "x" }]\n'
                f'tls = {{ ca_file = "{self.upstream.ca_file}" }}\n'
            )
            settings["FASTGW_CONFIG"] = str(config)
            del settings["OPENAI_API_KEY"], settings["OPENAI_BASE_URL"]
        return settings

    def launch(self) -> None:
        """Start it and return at once."""
        self.port = self.stream_port = free_port()
        self._spawn([sys.executable, "-m", "fastgw", "serve"], self.environment())

    def printed_key(self) -> str:
        """The key that the first start prints, empty as long as it has not."""
        found = _KEY.search(self.output())
        return found[0] if found else ""

    def start(self) -> None:
        """Start it with an empty data folder, mint a key, wait until a call is answered."""
        self.launch()
        deadline = time.monotonic() + _READY_S_MAX
        while not self.is_ready():
            if time.monotonic() > deadline or (self._process is not None and self._process.poll() is not None):
                raise MissingPart(f"{self.name} did not get ready:\n{self.output()[-2000:]}")
            time.sleep(0.05)
        self.headers = [f"authorization: Bearer {self.mint()}"]
        self._wait_ready()

    def mint(self) -> str:
        """The key that calls are made with: of the account whose balance is not limited."""
        key: str = self.command("keys", "create", "bench")["key"]
        return key

    def command(self, *words: str) -> dict[str, Any]:
        """What a verb of the command line answers."""
        done = subprocess.run(
            [sys.executable, "-m", "fastgw", *words, "--json"],
            env={**os.environ, "PYTHONPATH": _ROOT, **self.environment()},
            cwd=self.folder,
            capture_output=True,
            check=False,
        )
        if done.returncode:
            raise MissingPart(f"fastgw {' '.join(words[:2])} failed:\n{done.stderr.decode()[-2000:]}")
        answer: dict[str, Any] = msgspec.json.decode(done.stdout or b"{}")
        return answer

    def is_ready(self) -> bool:
        """Whether `/readyz` says so."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


class FastgwPrepaid(Fastgw):
    """The same for a caller whose money is limited: a hold on balance and quotas before each call, settled after it."""

    name = "fastgw (wire), prepaid"
    stages = "the same, and hold on a balance and two quotas"

    def mint(self) -> str:
        """A key with a total quota and one for five hours, of a prepaid account; all too large to be felt."""
        account = self.command("accounts", "create", "bench")["id"]
        self.command("accounts", "credit", account, "1000000")
        quotas = ("--quota-usd", "900000", "--quota-5h-usd", "900000")
        key: str = self.command("keys", "create", "bench", "--account", account, *quotas)["key"]
        return key


class FastgwHttpx(Fastgw):
    """The same on the portable transport."""

    name = "fastgw (httpx)"
    transport = "httpx"


class FastgwHttp1(Fastgw):
    """The same with HTTP/1.1 to the provider, also over TLS."""

    name = "fastgw (wire, HTTP/1.1)"
    http_version = "1.1"


class FastgwHttp2(Fastgw):
    """The same with HTTP/2 to the provider over TLS."""

    name = "fastgw (wire, HTTP/2)"
    http_version = "2"


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
