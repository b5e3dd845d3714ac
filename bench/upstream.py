"""The fake provider as a running process, with a certificate authority made for this run."""

import subprocess
import sys
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec
import trustme


class Upstream:
    """A fake provider on 127.0.0.1, plain and TLS; a context manager."""

    def __init__(self, folder: Path) -> None:
        self.ca_file = folder / "ca.pem"
        authority = trustme.CA()
        authority.cert_pem.write_to_path(self.ca_file)
        issued = authority.issue_cert("localhost", "127.0.0.1")
        certificate, key = folder / "provider.pem", folder / "provider.key"
        for number, part in enumerate(issued.cert_chain_pems):
            part.write_to_path(certificate, append=number > 0)
        issued.private_key_pem.write_to_path(key)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "bench.upstream_fake", "--certificate", certificate, "--key", key],
            stdout=subprocess.PIPE,
        )
        assert self._process.stdout is not None
        ports = msgspec.json.decode(self._process.stdout.readline(), type=dict[str, int])
        self.port, self.tls_port = ports["port"], ports["tls_port"]

    def origin(self, tls: bool) -> str:
        """`scheme://host:port`."""
        return f"https://localhost:{self.tls_port}" if tls else f"http://127.0.0.1:{self.port}"

    def stats(self) -> dict[str, int]:
        """What it has done so far (`bench.upstream_pacing.Counters`)."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/stats", timeout=10) as answer:
            return msgspec.json.decode(answer.read(), type=dict[str, int])

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        with self._process:
            self._process.terminate()
