"""Who takes part: every contestant by the name that the command line takes, other people's gateways among them."""

import subprocess
from pathlib import Path

from bench import machine
from bench.gateways import (
    Fastgw,
    FastgwHttp1,
    FastgwHttp2,
    FastgwHttpx,
    FastgwPrepaid,
    Gateway,
    MissingPart,
    Nginx,
    free_port,
)

PORTKEY_FOLDER = Path(__file__).parent / "portkey"


class Portkey(Gateway):
    """Portkey's gateway on Node, as its npm package starts it: no key check, no limits, no accounts."""

    name = "Portkey 1.15"

    def start(self) -> None:
        """Install from the lock file if needed, start, wait."""
        node, npm = machine.find("node"), machine.find("npm")
        if node is None or npm is None:
            raise MissingPart("Node.js with npm is not installed (Debian: apt-get install nodejs npm)")
        entry = PORTKEY_FOLDER / "node_modules/@portkey-ai/gateway/build/start-server.js"
        if not entry.exists():
            machine.note("installing Portkey's gateway with npm ci")
            done = subprocess.run(
                [npm, "ci", "--ignore-scripts"], cwd=PORTKEY_FOLDER, capture_output=True, check=False, text=True
            )
            if done.returncode:
                raise MissingPart(f"npm ci failed: {done.stderr[-500:]}")
        self.port = self.stream_port = free_port()
        self.headers += [
            "x-portkey-provider: openai",
            f"x-portkey-custom-host: {self.upstream.origin(self.tls)}/v1",
        ]
        environment = {"NODE_ENV": "production", "NODE_EXTRA_CA_CERTS": str(self.upstream.ca_file)}
        self._spawn([node, str(entry), f"--port={self.port}", "--headless"], environment)
        self._wait_ready()


CONTESTANTS: dict[str, type[Gateway]] = {
    "direct": Gateway,
    "nginx": Nginx,
    "wire": Fastgw,
    "wire-prepaid": FastgwPrepaid,
    "httpx": FastgwHttpx,
    "wire-h1": FastgwHttp1,
    "wire-h2": FastgwHttp2,
    "portkey": Portkey,
}
"""By the names that the command line takes."""
DEFAULT = ("direct", "nginx", "wire", "httpx", "portkey")
