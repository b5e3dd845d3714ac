"""What of an answer is kept, when its name is freed, and what happens when the caller has gone."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

import pytest

from fastgw.dataplane import replay_run
from fastgw.dataplane.relay.downstream import KEEPALIVE, Downstream
from fastgw.dataplane.replay_run import ANSWER_BYTES_MAX, Ending, Run, answer_of

HEADERS = [
    (b"content-type", b"text/event-stream"),
    (b"x-request-id", b"gw_1"),
    (b"server-timing", b"gw;dur=1"),
    (b"x-ratelimit-limit-requests", b"5"),
    (b"anthropic-ratelimit-requests-limit", b"5"),
]


class Book:
    """Keeps what it is told, as soon as it may."""

    def __init__(self, room_bytes: int = 10**9) -> None:
        self.endings: list[Ending] = []
        self.may_keep = asyncio.Event()
        self.may_keep.set()
        self.room_bytes = room_bytes

    async def begin(self, run: Run) -> bool:
        await run.marked()
        run.begun()
        return False

    def hold(self, count: int) -> bool:
        if count > self.room_bytes:
            return False
        self.room_bytes -= count
        return True

    def let_go(self, count: int) -> None:
        self.room_bytes += count

    def end(self, run: Run, ending: Ending) -> asyncio.Task[None]:
        return asyncio.create_task(self._end(ending))

    async def _end(self, ending: Ending) -> None:
        await self.may_keep.wait()
        self.room_bytes += ending.held_bytes
        self.endings.append(ending)


class Wire:
    """A caller's connection."""

    def __init__(self) -> None:
        self.sent: list[MutableMapping[str, Any]] = []

    async def send(self, message: MutableMapping[str, Any]) -> None:
        self.sent.append(message)

    @property
    def text(self) -> bytes:
        return b"".join(one.get("body", b"") for one in self.sent)


async def running(book: Book, wire: Wire, asked: bytes = b"/v1\0\0", body: bytes = b"{}") -> Run:
    run = Run(book, ("acc", "key", "name"), b"me", asked, body, Downstream(wire.send))
    assert not await run.begin()
    return run


async def stream(run: Run, *parts: bytes) -> None:
    await run.down.start(200, HEADERS)
    for part in parts:
        if not run.down.push(part):
            await run.down.caught_up()


async def test_a_complete_answer_is_kept_before_its_last_byte_leaves() -> None:
    book, wire = Book(), Wire()
    book.may_keep.clear()
    run = await running(book, wire)
    await stream(run, b"data: 1\n\n", KEEPALIVE, b"data: 2\n\n")
    last = asyncio.create_task(run.down.finish(b"data: [DONE]\n\n"))
    await asyncio.sleep(0.05)
    assert wire.text == b"data: 1\n\n" + KEEPALIVE + b"data: 2\n\n"
    book.may_keep.set()
    await last
    assert wire.text.endswith(b"data: [DONE]\n\n")
    (ending,) = book.endings
    assert ending.answered
    assert answer_of(ending.answer) == (HEADERS[:2], b"data: 1\n\ndata: 2\n\ndata: [DONE]\n\n")
    run.close()
    await asyncio.sleep(0)
    assert len(book.endings) == 1
    assert book.room_bytes == 10**9


async def test_a_slow_store_delays_the_last_byte_only_so_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replay_run, "WAIT_S", 0.05)
    book, wire = Book(), Wire()
    book.may_keep.clear()
    run = await running(book, wire)
    await run.down.start(200, HEADERS)
    await run.down.finish(b"{}")
    assert (wire.text, book.endings) == (b"{}", [])
    book.may_keep.set()
    async with asyncio.timeout(30):
        while not book.endings:
            await asyncio.sleep(0.01)
    assert book.endings[0].answered


@pytest.mark.parametrize("status", [400, 429, 502])
async def test_an_error_frees_the_name_before_its_last_byte_leaves(status: int) -> None:
    book, wire = Book(), Wire()
    book.may_keep.clear()
    run = await running(book, wire)
    await run.down.start(status, HEADERS)
    last = asyncio.create_task(run.down.finish(b"{}"))
    await asyncio.sleep(0.05)
    assert wire.text == b""
    book.may_keep.set()
    await last
    assert book.endings == [Ending(answered=False)]


async def test_a_stream_that_ends_in_an_error_is_not_kept() -> None:
    book, wire = Book(), Wire()
    run = await running(book, wire)
    await stream(run, b"data: 1\n\n")
    run.fail()
    await run.down.finish(b"data: error\n\n")
    assert [ending.answered for ending in book.endings] == [False]
    assert book.room_bytes == 10**9


async def test_an_exchange_that_is_cut_frees_the_name() -> None:
    book, wire = Book(), Wire()
    run = await running(book, wire)
    await stream(run, b"data: 1\n\n")
    run.close()
    run.close()
    await asyncio.sleep(0)
    assert [ending.answered for ending in book.endings] == [False]
    assert book.room_bytes == 10**9


@pytest.mark.parametrize(("extra", "kept"), [(0, True), (1, False)])
async def test_a_mebibyte_is_kept_and_no_more(extra: int, kept: bool) -> None:
    book, wire = Book(), Wire()
    run = await running(book, wire)
    half = ANSWER_BYTES_MAX // 2
    await stream(run, b"x" * half, b"y" * half)
    await run.down.finish(b"z" * extra)
    (ending,) = book.endings
    assert ending.answered
    assert bool(ending.answer) is kept
    assert len(wire.text) == 2 * half + extra
    assert book.room_bytes == 10**9


async def test_without_room_nothing_is_held() -> None:
    book, wire = Book(room_bytes=10), Wire()
    run = await running(book, wire)
    await stream(run, b"x" * 8, b"y" * 8)
    assert book.room_bytes == 10
    await run.down.finish(b"z")
    assert book.endings == [Ending(answered=True)]
    assert wire.text == b"x" * 8 + b"y" * 8 + b"z"


async def test_the_answer_for_a_caller_who_has_gone_is_kept_and_not_sent() -> None:
    book, wire = Book(), Wire()
    run = await running(book, wire)
    await stream(run, b"data: 1\n\n")
    stops: list[str] = []
    assert run.outlives(lambda: stops.append("stopped"))
    assert run.down.push(b"data: 2\n\n") is False
    await run.down.caught_up()
    await run.down.write(b"data: 3\n\n", 0)
    await run.down.finish(b"data: [DONE]\n\n")
    assert wire.text == b"data: 1\n\n"
    assert answer_of(book.endings[0].answer)[1] == b"data: 1\n\ndata: 2\n\ndata: 3\n\ndata: [DONE]\n\n"
    assert not stops


async def test_what_cannot_be_kept_does_not_outlive_its_caller() -> None:
    book, wire = Book(room_bytes=10), Wire()
    grows, failed, large, waiting, over = [await running(book, wire) for _ in range(5)]
    stops: list[str] = []
    assert grows.outlives(lambda: stops.append("grows"))
    await stream(grows, b"x" * 11)
    assert stops == ["grows"]
    failed.fail()
    await stream(large, b"x" * 11)
    await over.down.start(200, HEADERS)
    await over.down.finish(b"{}")
    assert not any(run.outlives(lambda: stops.append("more")) for run in (failed, large, over))
    assert waiting.outlives(lambda: stops.append("waiting"))
    assert stops == ["grows"]


async def test_before_its_name_is_taken_nothing_outlives_its_caller() -> None:
    run = Run(Book(), ("acc", "key", "name"), b"me", b"", b"", Downstream(Wire().send))
    assert not run.outlives(lambda: None)


async def test_a_mark_is_of_path_query_and_body() -> None:
    marks = set()
    for asked, body in ((b"/a\0\0", b"{}"), (b"/b\0\0", b"{}"), (b"/a\0q=1\0", b"{}"), (b"/a\0\0", b"{ }")):
        marks.add((await running(Book(), Wire(), asked, body)).mark)
    large = [(await running(Book(), Wire(), body=b"x" * 300_000)).mark for _ in range(2)]
    assert len(marks) == 4
    assert large[0] == large[1]
