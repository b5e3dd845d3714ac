"""What tests of a whole gateway look at from outside: answers, usage rows, leases in the store, files held open."""

import json
import sqlite3
import time
from collections.abc import Callable
from typing import Any, TypeVar

import httpx
import psutil
import redis

from fastgw.storage.valkey.embedded import recorded_url
from tests.fakes.gateway import Gateway

PATIENCE_S = 20.0
"""For what should come at once, on a busy machine."""
CHAT: dict[str, Any] = {"model": "fake/fake-1", "messages": [{"role": "user", "content": "Hello"}]}
STREAM: dict[str, Any] = CHAT | {"stream": True}
BODIES = (CHAT, STREAM)

T = TypeVar("T")


def until(look: Callable[[], T | None], what: str, patience_s: float = PATIENCE_S) -> T:
    """Poll until `look` tells something true; the result is that."""
    deadline = time.monotonic() + patience_s
    while not (found := look()):
        assert time.monotonic() < deadline, f"waited {patience_s} s in vain for {what}"
        time.sleep(0.02)
    return found


def assert_error(answer: httpx.Response, status: int, code: str) -> dict[str, Any]:
    """An error answer in OpenAI's envelope, with the headers that every answer has; the result is the inner object."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"].startswith("application/json")
    assert_marked(answer)
    return envelope(answer.content, code)


def assert_marked(answer: httpx.Response) -> None:
    """The two headers that no answer lacks."""
    assert answer.headers["x-request-id"]
    name, _, duration = answer.headers["server-timing"].partition(";dur=")
    assert name == "gw"
    assert float(duration) >= 0


def envelope(body: bytes | str, code: str) -> dict[str, Any]:
    """The inner object of an error envelope, whose code and message stand at the top level too."""
    told = json.loads(body)
    inner: dict[str, Any] = told["error"]
    assert set(inner) == {"message", "type", "param", "code"}
    assert told["code"] == inner["code"] == code, told
    assert told["message"] == inner["message"]
    assert inner["message"]
    return inner


def data_of(body: bytes) -> list[str]:
    """The data of all events of a stream, each of which has to be whole; comments are left out."""
    assert body.endswith(b"\n\n"), body[-200:]
    lines = body.decode().split("\n")
    assert all(not line or line.startswith(("data: ", ":")) for line in lines), body
    return [line[6:] for line in lines if line.startswith("data: ")]


def assert_broken_off(body: bytes, code: str) -> list[str]:
    """A stream that tells of its failure and ends: the result is the data of the events before that."""
    *before, error, done = data_of(body)
    assert done == "[DONE]"
    envelope(error, code)
    assert "[DONE]" not in before
    assert not any('"finish_reason": "' in one for one in before)
    return before


def rows(gateway: Gateway, exchange_id: str = "") -> list[dict[str, Any]]:
    """Usage rows as they lie in the database, of one exchange or of all."""
    with sqlite3.connect(f"file:{gateway.data_dir / 'fastgw.db'}?mode=ro", uri=True, timeout=10) as database:
        database.row_factory = sqlite3.Row
        asked = "SELECT * FROM usage WHERE exchange_id = ? OR ? = ''"
        found = [dict(row) for row in database.execute(asked, (exchange_id, exchange_id))]
    database.close()
    return found


def row_of(gateway: Gateway, answer: httpx.Response) -> dict[str, Any]:
    """The one row of an answer's exchange."""
    exchange_id = answer.headers["x-request-id"]
    (row,) = until(lambda: rows(gateway, exchange_id), f"the row of {exchange_id}")
    return row


def tokens(row: dict[str, Any]) -> tuple[int, int]:
    """Input and output tokens of a row, all classes together."""
    taken = sum(row[name] for name in ("in_text", "in_audio", "in_image", "cache_read", "cache_write_5m"))
    return taken, sum(row[name] for name in ("out_text", "out_reasoning", "out_audio", "out_image"))


def mint(gateway: Gateway, *options: str) -> tuple[str, str]:
    """A new key with its id."""
    told = json.loads(gateway.cli("keys", "create", "test", *options, "--json").stdout)
    return told["id"], told["key"]


def leases(gateway: Gateway, key_id: str) -> int:
    """Exchanges that the store believes to run for a key, over all workers."""
    client = redis.Redis.from_url(recorded_url(gateway.data_dir))
    script = (
        "local r = redis.call('GET', KEYS[1]) if not r then return 0 end local v = cmsgpack.unpack(r) local n = 0 "
        "for j = 4, #v, 3 do n = n + v[j + 1] end return n"
    )
    try:
        # The record is the store's own; only its script language reads it without a further package.
        return int(str(client.execute_command("EVAL_RO", script, 1, f"fgw:{{{key_id}}}:gate")))  # type: ignore[no-untyped-call]
    finally:
        client.close()


def open_files(gateway: Gateway) -> int:
    """Descriptors that all workers hold."""
    return sum(psutil.Process(pid).num_fds() for name, pid in gateway.pids().items() if name.startswith("worker"))


def lines_to(gateway: Gateway, port: int) -> int:
    """Connections of all workers to a port."""
    pids = [pid for name, pid in gateway.pids().items() if name.startswith("worker")]
    found = [line for pid in pids for line in psutil.Process(pid).net_connections("tcp")]
    return sum(1 for line in found if line.raddr and line.raddr.port == port)
