"""The sandbox as another process starts it."""

import os
import subprocess
from pathlib import Path

import httpx

from fastgw.sandbox import launch, server
from tests.fakes.gateway import PATIENCE_S, ROOT


def test_ends_with_whoever_started_it(tmp_path: Path) -> None:
    read, write = os.pipe()
    with server.bind() as listener:
        url = server.base_url(listener)
        command = launch.command(listen_fd=listener.fileno(), lifeline_fd=read)
        fds = (listener.fileno(), read)
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, pass_fds=fds, cwd=ROOT) as process:
            os.close(read)
            assert process.stdout is not None
            assert process.stdout.readline().strip() == url
            assert httpx.get(f"{url}/models").status_code == 200
            os.close(write)
            assert process.wait(PATIENCE_S) == 0
