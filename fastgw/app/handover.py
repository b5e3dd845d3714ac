"""What `serve` hands to the processes it starts, and what they report back.

Settings travel in an unlinked file whose descriptor the child inherits: no second reading that could differ, no secret
in an environment or a command line, no limit of 128 KB per variable. Two pipes go with it: the child reports over one
that it is ready (or why it is not), and the other ends when the parent is gone, however it died.
"""

import asyncio
import logging
import os
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import msgspec

from fastgw.errors import StartupError
from fastgw.settings import Settings

VARIABLE = "FASTGW__HANDOVER"
"""Names the inherited descriptors; set by `serve` alone, never by a person."""


class Handover(msgspec.Struct, frozen=True):
    """The descriptors that a child inherits, -1 for none, and its place among its siblings."""

    settings_fd: int
    lifeline_fd: int
    report_fd: int
    listen_fd: int = -1
    """A listening socket to accept from; -1: bind one (Linux spreads connections over the sockets of all workers)."""
    slot: int = 0
    """Number of a worker, 0 to N-1; a restarted worker keeps it."""


class Report(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a child says once, when it is ready or has to give up."""

    error: str = ""
    """Why it cannot start, and what to do; empty when it is ready."""
    key: str = ""
    """The API key that was minted because there was none."""


def pack(settings: Settings) -> int:
    """Write settings to a file without a name; the result is its descriptor, readable by any number of children."""
    payload = msgspec.json.encode(settings, enc_hook=_encode)
    with tempfile.TemporaryFile(prefix="fastgw-") as file:
        file.write(payload)
        file.flush()
        return os.dup(file.fileno())


def unpack(settings_fd: int) -> Settings:
    """Read what `pack` wrote. The offset is the caller's own, so siblings do not disturb each other."""
    payload = os.pread(settings_fd, os.fstat(settings_fd).st_size, 0)
    return msgspec.json.decode(payload, type=Settings, dec_hook=_decode)


def take(environ: Mapping[str, str]) -> Handover | None:
    """The handover of this process, or None when it was not started by `serve`."""
    text = environ.get(VARIABLE)
    return msgspec.json.decode(text, type=Handover) if text else None


def report(handover: Handover | None, message: Report) -> None:
    """Tell the parent; without a parent, or when it is gone already, nothing happens."""
    if handover is None:
        return
    try:
        os.write(handover.report_fd, msgspec.json.encode(message) + b"\n")
    except OSError:
        return


def failed(handover: Handover | None, error: StartupError) -> None:
    """Say why this process does not start: to the parent, which tells the user, or in the log when there is none."""
    if handover is None:
        logging.getLogger("fastgw").error("%s", error)
    report(handover, Report(error=str(error)))


def on_parent_gone(handover: Handover | None, call: Callable[[], None]) -> None:
    """Call `call` on the running loop as soon as the parent process has ended, also by kill -9."""
    if handover is None:
        return
    loop = asyncio.get_running_loop()

    def ended() -> None:
        loop.remove_reader(handover.lifeline_fd)
        call()

    loop.add_reader(handover.lifeline_fd, ended)


def _encode(value: Any) -> Any:
    if isinstance(value, Path):
        return str(value)
    raise TypeError(f"cannot hand over {type(value)}")


def _decode(kind: type, value: Any) -> Any:
    if kind is Path:
        return Path(value)
    raise TypeError(f"cannot take over {kind}")
