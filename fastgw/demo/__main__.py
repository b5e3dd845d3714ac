"""`python -m fastgw.demo`: a model, a gateway before it, one question, the answer and its usage on screen, and an end.

Everything lives in a temporary folder and ends with this process.
"""

import contextlib
import os
import re
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import msgspec

from fastgw.clock import monotonic_ns
from fastgw.demo.model import MODEL, Missing, weights

PROVIDER = "local"
QUESTION = "Tell me in three sentences what a lighthouse is for."
ANSWER_TOKENS_MAX = 128
START_S_MAX = 60
USAGE_S_MAX = 20
STOP_S_MAX = 20

_READY = re.compile(r"Ready on (\S+)")
_KEY = re.compile(r"API key, shown this once: (\S+)")
_CONFIG = '[[providers]]\nname = "{name}"\nbase_url = "{url}"\nmodels = ["{model}"]\nlist_models = false\n'


class Failed(Exception):
    """The demo cannot go on; the text is for the person who started it."""


class _Delta(msgspec.Struct, frozen=True):
    content: str | None = None


class _Choice(msgspec.Struct, frozen=True):
    delta: _Delta = _Delta()


class _Chunk(msgspec.Struct, frozen=True):
    choices: tuple[_Choice, ...] = ()


def main() -> int:
    """Run the demo. The result is the exit code."""
    try:
        weights()
        with tempfile.TemporaryDirectory(prefix="fastgw-demo-") as folder:
            _demo(Path(folder), " ".join(sys.argv[1:]) or QUESTION)
    except (Failed, Missing, httpx.HTTPError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _demo(folder: Path, question: str) -> None:
    _say(f"Starting {MODEL} on this machine's CPU …")
    with _process("fastgw.demo.model", folder, {}) as model:
        model_url = _expect(model, re.compile(r"^(http\S+)$", re.MULTILINE))[0]
        config = folder / "demo.toml"
        config.write_text(_CONFIG.format(name=PROVIDER, url=model_url, model=MODEL))
        settings = {"FASTGW_CONFIG": str(config), "FASTGW_DATA_DIR": str(folder / "data"), "FASTGW_PORT": "0"}
        _say("Starting fastgw before it …")
        with _process("fastgw", folder, settings, "serve") as gateway:
            url, key = _expect(gateway, _READY, _KEY)
            _say(f"fastgw is on {url}; asking {PROVIDER}/{MODEL}:\n\n> {question}\n")
            _ask(url, key, question)
            _say("\nWhat it used, as `fastgw usage --json` tells it:\n")
            _say(_usage(folder, settings))


def _ask(url: str, key: str, question: str) -> None:
    body = {
        "model": f"{PROVIDER}/{MODEL}",
        "messages": [{"role": "user", "content": question}],
        "max_tokens": ANSWER_TOKENS_MAX,
        "temperature": 0,
        "seed": 1,
        "stream": True,
    }
    headers = {"authorization": f"Bearer {key}"}
    with httpx.stream("POST", f"{url}/v1/chat/completions", json=body, headers=headers, timeout=60) as answer:
        if answer.status_code != 200:
            raise Failed(f"The gateway answered {answer.status_code}: {answer.read().decode(errors='replace')}")
        for line in answer.iter_lines():
            if not line.startswith("data: {"):
                continue
            for choice in msgspec.json.decode(line[6:], type=_Chunk).choices:
                sys.stdout.write(choice.delta.content or "")
                sys.stdout.flush()
    _say("")


def _usage(folder: Path, settings: dict[str, str]) -> str:
    """The row of the answer, once the keeper has drained it from the journal."""
    deadline_ns = monotonic_ns() + USAGE_S_MAX * 10**9
    while True:
        told = subprocess.run(
            [sys.executable, "-m", "fastgw", "usage", "--json"],
            env=os.environ | settings,
            cwd=folder,
            capture_output=True,
            check=False,
        )
        if told.returncode:
            raise Failed(told.stderr.decode(errors="replace"))
        rows = msgspec.json.decode(told.stdout)["by_model"]
        if rows:
            return "\n".join(msgspec.json.format(msgspec.json.encode(row)).decode() for row in rows)
        if monotonic_ns() > deadline_ns:
            raise Failed("The answer's usage did not arrive in the database.")
        time.sleep(0.1)


@contextlib.contextmanager
def _process(module: str, folder: Path, settings: dict[str, str], *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process that has its standard output piped to us, and is ended in order."""
    process = subprocess.Popen(  # noqa: S603 - our own modules
        [sys.executable, "-m", module, *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | settings,
        cwd=folder,
        # Ctrl-C is for us: we end our processes in order.
        process_group=0,
    )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        for pipe in (process.stdin, process.stdout):
            if pipe is not None:
                pipe.close()


def _expect(process: subprocess.Popen[bytes], *patterns: re.Pattern[str]) -> list[str]:
    """The first group of each pattern, as soon as the process has said them all. Raises `Failed`."""
    assert process.stdout is not None
    said = b""
    deadline_ns = monotonic_ns() + START_S_MAX * 10**9
    while True:
        ready, _, _ = select.select([process.stdout], [], [], max(0.0, (deadline_ns - monotonic_ns()) / 10**9))
        data = os.read(process.stdout.fileno(), 65_536) if ready else b""
        said += data
        found = [pattern.search(said.decode(errors="replace")) for pattern in patterns]
        if all(found):
            return [one[1] for one in found if one]
        if not data:
            how = "ended" if ready else f"was not ready within {START_S_MAX} s"
            raise Failed(f"A part of the demo {how} ({' '.join(map(str, process.args[1:]))}).")  # type: ignore[index]


def _say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main())
