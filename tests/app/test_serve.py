"""`fastgw serve` as a user knows it: first start, later starts, Ctrl-C, and whatever is killed comes back."""

import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from tests.fakes.gateway import PATIENCE_S, Gateway, alive

HELLO = {"model": "sandbox/echo", "messages": [{"role": "user", "content": "Hello"}]}
SLOW = {"model": "sandbox/echo:chunks=20,chunk_ms=150", "messages": HELLO["messages"], "stream": True}


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """A gateway without any configuration; whatever a test kills is back when it ends."""
    with Gateway(tmp_path_factory.mktemp("served"), workers=2) as gateway:
        yield gateway


def ask(gateway: Gateway) -> httpx.Response:
    return httpx.post(f"{gateway.base_url}/chat/completions", json=HELLO, headers=gateway.headers(), timeout=PATIENCE_S)


def until(condition: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < deadline, f"waited in vain for {what}"
        time.sleep(0.05)


def ended(gateway: Gateway) -> int:
    """Wait for the supervisor's end; its exit code. Signal 0 asks nothing of it."""
    return gateway.stop(0)


def printed_curl(gateway: Gateway) -> str:
    found = re.search(r"^ +(curl .*?\}')$", gateway.log, re.DOTALL | re.MULTILINE)
    assert found, gateway.log
    return found[1]


def test_the_printed_request_works_as_pasted(served: Gateway) -> None:
    done = subprocess.run(
        ["/bin/sh", "-c", printed_curl(served) + " --silent --show-error"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert '"object":"chat.completion"' in done.stdout.replace(": ", ":")


@pytest.mark.parametrize("name", ["worker-0", "worker-1", "keeper", "sandbox", "valkey"])
def test_a_killed_process_comes_back(served: Gateway, name: str) -> None:
    before = served.pids()[name]
    psutil.Process(before).kill()
    until(lambda: served.pids()[name] not in {0, before}, f"a new {name}")

    def answers() -> bool:
        try:
            return ask(served).status_code == 200
        except httpx.TransportError:
            return False

    # Ten in a row reach both workers.
    until(lambda: all(answers() for _ in range(10)), "answers")
    requests = served.usage()["totals"]["requests"]
    ask(served)
    served.until_usage(lambda told: told["totals"]["requests"] > requests)


def test_ctrl_c_ends_everything_and_a_second_start_keeps_keys_and_usage(tmp_path: Path) -> None:
    with Gateway(tmp_path, workers=1) as gateway:
        assert ask(gateway).status_code == 200
        told = gateway.until_usage(lambda told: told["totals"]["requests"] == 1)
        assert told["by_model"][0]["model"] == "sandbox/echo"
        started = [*gateway.pids().values()]
        assert len(started) == 5
        assert gateway.stop(signal.SIGINT) == 0
        assert not [pid for pid in started if alive(pid)]

        gateway.start()
        assert gateway.log.count("API key") == 1, "a key is shown once"
        assert ask(gateway).status_code == 200
        gateway.until_usage(lambda told: told["totals"]["requests"] == 2)


def test_after_kill_9_everything_ends_and_the_next_start_works(tmp_path: Path) -> None:
    with Gateway(tmp_path, workers=1) as gateway:
        left = gateway.pids()
        gateway.kill()
        assert not [name for name, pid in left.items() if alive(pid)]
        gateway.start()
        assert ask(gateway).status_code == 200


def test_what_a_killed_supervisor_leaves_is_ended_by_the_next(tmp_path: Path) -> None:
    with Gateway(tmp_path, workers=1) as gateway:
        stuck = gateway.pids()["worker-0"]
        psutil.Process(stuck).suspend()
        psutil.Process(gateway.pid).kill()
        ended(gateway)
        gateway.start()
        assert not alive(stuck)
        assert ask(gateway).status_code == 200


def test_a_second_supervisor_on_the_same_data_is_refused(served: Gateway) -> None:
    done = served.cli("serve", check=False)
    assert done.returncode == 1
    assert f"Another fastgw (process {served.pid}) already runs" in done.stderr
    assert ask(served).status_code == 200


def test_nohup_keeps_it_running(tmp_path: Path) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        gateway = Gateway(tmp_path, workers=1)
        gateway.start()
    finally:
        signal.signal(signal.SIGHUP, before)
    psutil.Process(gateway.pid).send_signal(signal.SIGHUP)
    time.sleep(0.5)
    assert ask(gateway).status_code == 200
    assert gateway.stop() == 0


class Stream:
    """A slow streamed answer, read in a thread."""

    def __init__(self, gateway: Gateway) -> None:
        self.text = ""
        self.status = 0
        self.began = threading.Event()
        self._gateway = gateway
        self._thread = threading.Thread(target=self._read)
        self._thread.start()
        assert self.began.wait(PATIENCE_S)

    def _read(self) -> None:
        url = f"{self._gateway.base_url}/chat/completions"
        with httpx.stream("POST", url, json=SLOW, headers=self._gateway.headers(), timeout=PATIENCE_S) as answer:
            self.status = answer.status_code
            for part in answer.iter_text():
                self.text += part
                if "data:" in self.text:
                    self.began.set()

    def end(self) -> str:
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()
        return self.text


def test_a_running_stream_finishes_while_new_connections_are_refused(tmp_path: Path) -> None:
    with Gateway(tmp_path, workers=1) as gateway:
        stream = Stream(gateway)
        psutil.Process(gateway.pid).send_signal(signal.SIGTERM)

        def refused() -> bool:
            try:
                httpx.get(f"{gateway.url}/healthz")
            except httpx.ConnectError:
                return True
            return False

        until(refused, "the port to close")
        assert stream.end().rstrip().endswith("data: [DONE]")
        assert ended(gateway) == 0
        gateway.start()
        told = gateway.until_usage(lambda told: told["totals"]["requests"] == 1)
        assert told["totals"]["errors"] == 0


@pytest.mark.parametrize("how", ["second signal", "deadline"])
def test_a_stream_that_takes_too_long_is_cut_with_an_error_and_settled(tmp_path: Path, how: str) -> None:
    config = "[deadlines]\ndrain_ms = 300\n" if how == "deadline" else ""
    with Gateway(tmp_path, config, workers=1) as gateway:
        stream = Stream(gateway)
        psutil.Process(gateway.pid).send_signal(signal.SIGINT)
        if how == "second signal":
            until(lambda: "Stopping" in gateway.log, "the first signal to count")
            psutil.Process(gateway.pid).send_signal(signal.SIGINT)
        text = stream.end()
        assert '"error"' in text
        assert '"finish_reason":"stop"' not in text, "a cut answer must not look like a finished one"
        assert ended(gateway) == 0
        gateway.start()
        told = gateway.until_usage(lambda told: told["totals"]["requests"] == 1)
        assert told["totals"]["errors"] == 1
