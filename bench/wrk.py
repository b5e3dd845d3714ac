"""Unary load at saturation, by `wrk`: a fixed number of calls in flight, as fast as they are answered."""

import subprocess
from pathlib import Path

import msgspec

from bench import dialects, payloads
from bench.gateways import Gateway

_SCRIPT = """
wrk.method = "POST"
local file = io.open(%r, "rb")
wrk.body = file:read("*a")
file:close()
%s
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('\\nJSON{"requests":%%d,"duration_us":%%d,"errors":%%d,"p50_us":%%d,"p99_us":%%d}\\n',
    summary.requests, summary.duration, e.connect + e.read + e.write + e.status + e.timeout,
    latency:percentile(50), latency:percentile(99)))
end
"""


class Load(msgspec.Struct, frozen=True):
    """What `wrk` reports."""

    requests: int
    duration_us: int
    errors: int
    p50_us: int
    p99_us: int

    @property
    def per_second(self) -> float:
        """Answered requests per second."""
        return self.requests * 1e6 / self.duration_us


def start(
    program: str,
    gateway: Gateway,
    folder: Path,
    *,
    in_flight: int,
    seconds: float,
    dialect: str = "",
    model: str = payloads.MODEL,
) -> subprocess.Popen[bytes]:
    """Start `wrk` against a gateway's unary port; `finish` gives the result."""
    body, script = folder / "body.json", folder / "wrk.lua"
    body.write_bytes(dialects.request_body(dialect, model) if dialect else payloads.request_body())
    headers = ["content-type: application/json", *gateway.headers]
    lines = "\n".join(f'wrk.headers["{name}"] = "{value}"' for name, value in (h.split(": ", 1) for h in headers))
    script.write_text(_SCRIPT.replace("%r", f'"{body}"', 1).replace("%s", lines, 1).replace("%%", "%"))
    path = dialects.ASKING[dialect or "chat"].path.replace("{model}", model)
    url = f"http://127.0.0.1:{gateway.port}{path}"
    command = [
        program,
        "-t1",
        f"-c{in_flight}",
        f"-d{max(1, round(seconds))}s",
        "--timeout",
        "20s",
        "-s",
        str(script),
        url,
    ]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


def finish(process: subprocess.Popen[bytes]) -> Load:
    """Wait for `wrk` and read its figures. Raises `RuntimeError` with its output if it gave none."""
    output = process.communicate()[0].decode()
    figures = next((line[4:] for line in output.splitlines() if line.startswith("JSON")), None)
    if figures is None:
        raise RuntimeError(f"wrk gave no figures:\n{output}")
    return msgspec.json.decode(figures, type=Load)
