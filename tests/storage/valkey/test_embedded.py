"""The embedded server: its folder, its lock, its life after a killed supervisor."""

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest
from redis import Redis

from fastgw.errors import StartupError
from fastgw.storage.valkey import embedded


def test_data_survives_a_restart(tmp_path: Path) -> None:
    first = embedded.start(tmp_path)
    with Redis.from_url(first.url) as redis:
        redis.set("kept", "1")
    first.stop()
    first.stop()
    assert first.process.poll() is not None
    assert not Path(first.url.removeprefix("unix://")).parent.exists()
    second = embedded.start(tmp_path)
    with Redis.from_url(second.url) as redis:
        assert redis.get("kept") == b"1"
        assert redis.config_get("maxmemory-policy") == {"maxmemory-policy": "noeviction"}
        assert redis.config_get("port") == {"port": "0"}
    second.stop()


def test_only_its_user_reaches_it(tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    path = Path((tmp_path / "valkey.socket").read_text().strip())
    assert server.url == f"unix://{path}"
    assert len(os.fsencode(path)) <= 104
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    server.stop()


def test_it_ends_when_it_is_asked_to(tmp_path: Path) -> None:
    prepared = embedded.prepare(tmp_path)
    assert not prepared.ask_to_end()
    prepared.release()
    server = embedded.start(tmp_path)
    server.stop()
    assert server.process.returncode == 0
    log = (tmp_path / "valkey" / "valkey.log").read_text()
    assert "User requested shutdown" in log
    assert "SIGTERM" not in log


def test_it_ends_though_it_wants_a_password(tmp_path: Path) -> None:
    server = embedded.start(tmp_path)
    with Redis.from_url(server.url) as redis:
        redis.config_set("requirepass", "secret")
    server.stop()
    assert server.process.returncode == 0
    assert "SIGTERM" in (tmp_path / "valkey" / "valkey.log").read_text()


def test_a_second_owner_is_refused(tmp_path: Path, server: embedded.Embedded) -> None:
    with pytest.raises(StartupError, match="Another fastgw"):
        embedded.start(tmp_path)
    assert server.process.poll() is None


def test_a_server_left_by_a_killed_supervisor_is_reclaimed(tmp_path: Path) -> None:
    program = (
        "import sys, time; from pathlib import Path; from fastgw.storage.valkey import embedded;"
        "s = embedded.start(Path(sys.argv[1])); print(s.process.pid, flush=True); time.sleep(600)"
    )
    supervisor = subprocess.Popen([sys.executable, "-c", program, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    assert supervisor.stdout is not None
    orphan = int(supervisor.stdout.readline())
    supervisor.send_signal(signal.SIGKILL)
    supervisor.wait()
    supervisor.stdout.close()
    with Redis.from_url(f"unix://{(tmp_path / 'valkey.socket').read_text().strip()}") as redis:
        redis.set("kept", "1")
    server = embedded.start(tmp_path)
    assert server.process.pid != orphan
    with Redis.from_url(server.url) as redis:
        assert redis.get("kept") == b"1"
    server.stop()


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StartupError, match="not writable"):
        embedded.start(tmp_path / "file" / "data")


def test_a_platform_without_a_binary_is_told_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Plan9")
    with pytest.raises(StartupError, match="FASTGW_REDIS_URL"):
        embedded.start(tmp_path)
