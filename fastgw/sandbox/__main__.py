"""`python -m fastgw.sandbox`: run the sandbox by itself. The first line on standard output is its base URL."""

import argparse
import asyncio
import contextlib
import os
import signal
import socket
import sys
from pathlib import Path

from fastgw.sandbox import server


def main(arguments: list[str] | None = None) -> int:
    """Serve until SIGINT, SIGTERM, or the end of `--lifeline-fd`. The result is the exit code."""
    asked = _parser().parse_args(arguments)
    try:
        if asked.listen_fd >= 0:
            listener = socket.socket(fileno=asked.listen_fd)
        else:
            listener = server.bind(asked.host, asked.port)
    except OSError as error:
        sys.stderr.write(f"The sandbox cannot listen on {asked.host} port {asked.port}: {error.strerror}.\n")
        return 1
    asyncio.run(_run(listener, asked.port_file, asked.lifeline_fd))
    return 0


async def _run(listener: socket.socket, port_file: str, lifeline_fd: int) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    if lifeline_fd >= 0:
        loop.add_reader(lifeline_fd, stop.set)
    if port_file:
        # Written aside and renamed, so that a reader never sees half a number. A few bytes need no thread.
        part = Path(f"{port_file}.{os.getpid()}")
        part.write_text(f"{listener.getsockname()[1]}\n")  # noqa: ASYNC240
        part.replace(port_file)  # noqa: ASYNC240
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(f"{server.base_url(listener)}\n")
        sys.stdout.flush()
    await server.serve(listener, stop)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m fastgw.sandbox", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: %(default)s)")
    parser.add_argument("--port", type=int, default=0, help="port; 0 lets the system choose (default)")
    parser.add_argument("--port-file", default="", metavar="F", help="write the port to this file")
    parser.add_argument("--listen-fd", type=int, default=-1, metavar="N", help="a listening socket to take over")
    parser.add_argument("--lifeline-fd", type=int, default=-1, metavar="N", help="end when this pipe ends")
    return parser


if __name__ == "__main__":
    sys.exit(main())
