"""The command line without the start of a process, which costs more than all that most verbs do."""

import contextlib
import io
import os
import subprocess
import sys
from unittest import mock

from fastgw.app import cli
from tests.fakes.gateway import Gateway


def run(gateway: Gateway, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """What `fastgw …` prints, and the code that it ends with, with the settings and data of a gateway."""
    out, err = (io.TextIOWrapper(io.BytesIO(), "utf-8", write_through=True) for _ in range(2))
    with (
        mock.patch.dict(os.environ, gateway.environ, clear=True),
        mock.patch.object(sys, "argv", ["fastgw", *arguments]),
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        code = cli.run()
    return subprocess.CompletedProcess(arguments, code, said(out), said(err))


def said(stream: io.TextIOWrapper) -> str:
    """All that was written."""
    stream.flush()
    buffer = stream.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue().decode()
