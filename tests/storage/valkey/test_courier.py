"""The way to the store: sessions count up, a late batch of an earlier one says nothing, a lost greeting is no link."""

import asyncio
from collections.abc import Awaitable, Callable
from time import monotonic

import msgspec
import pytest
from redis.asyncio import Redis

from fastgw.exchange import Ask, Grant, Hold, Principal, Purse
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.batch import Batch
from fastgw.storage.valkey.courier import SCRIPT, Courier
from fastgw.storage.valkey.gate import ValkeyGate
from fastgw.storage.valkey.link import Place
from fastgw.storage.valkey.purse_board import PurseBoard
from fastgw.storage.valkey.purses import Purse as Known

GateOf = Callable[..., Awaitable[ValkeyGate]]
WORKER = 101


async def until(condition: Callable[[], bool], bound_s: float = 20.0) -> None:
    end = monotonic() + bound_s
    while not condition():
        assert monotonic() < end, "the bound of the test was reached"
        await asyncio.sleep(0.01)


async def test_each_connection_has_its_number(server: embedded.Embedded) -> None:
    news: list[str] = []
    courier = Courier(Place.of(server.url), 10**10, lambda: news.append("lost"), lambda: news.append("back"))
    await courier.connect()
    first = courier.link
    assert first is not None
    assert courier.session == 1
    first.abort()
    await until(lambda: courier.link not in {None, first})
    assert (courier.session, news) == (2, ["lost", "back"])
    assert courier.link is not None
    assert courier.link.run == first.run != 0
    courier.close()


async def test_what_an_earlier_connection_sent_comes_too_late(
    purse_gate_of: GateOf, board: PurseBoard, redis: Redis
) -> None:
    gate = await purse_gate_of()
    for _ in range(2):
        await board.publish([Purse("acc_a", 1, 1, ((WORKER, 0),), balance_nano=100)], create=True)
    principal = Principal(key_id="k", digest="", epoch=1, name="", limits=Limits(), account_id="acc_a", prepaid=True)
    ask = Ask("x", principal, "", Limits(), 0, 1, Hold(30, 30))
    assert gate._link is not None
    gate._link.abort()
    await until(lambda: gate._link is not None)
    grant = await gate.admit(ask)
    assert isinstance(grant, Grant)
    record = await redis.get("fgw:{acc_a}:purse")
    assert isinstance(record, bytes)
    for number, released in ((1, -1), (2, 10)):
        # As the first connection would have sent it: nothing is held any more, much was spent.
        late, told = Batch(number), Known("acc_a")
        told.spent, told.returned = 50, released
        late.include_purse(told, msgspec.msgpack.decode(record)[0])
        count, *arguments = late.arguments(WORKER, 1)
        reply = await redis.eval(SCRIPT.decode(), int(count), *arguments)
        assert late.decode(reply)[1:] == [-1]
    assert (await board.held(["acc_a"]))["acc_a"].held_nano == 30
    assert (await board.held(["acc_a"]))["acc_a"].undrained_nano == 0


async def test_a_store_that_hangs_up_while_it_greets_is_not_there(
    server: embedded.Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(100):
            if b"INFO" in data:
                break
            writer.write(b"+PONG\r\n")
        writer.close()

    front = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    port = front.sockets[0].getsockname()[1]
    courier = Courier(Place.of(f"redis://127.0.0.1:{port}"), 10**10, lambda: None, lambda: None)
    with pytest.raises(OSError, match="closed the connection"):
        await courier.connect()
    assert courier.link is None
    front.close()
