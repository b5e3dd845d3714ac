"""Reasoning is kept and brought back; a store that is away or full of nonsense costs nobody an answer."""

import asyncio
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec
import pytest

from fastgw.dataplane import remember
from fastgw.dataplane.remember import Remember
from fastgw.protocols.hub.conversation import Conversation, Thought, ToolCall, Turn
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Kind, Seal
from fastgw.protocols.hub.recall import Recall
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.hub.sequence import ordered
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.seals import SealStore

SEAL = Sealed("gemini", "sig")
ASKED = Conversation("chat", (Turn("assistant", (ToolCall("a", "f", "{}"),)),))
TOLD = Conversation("chat", (Turn("assistant", (Thought("hm", SEAL), ToolCall("a", "f", "{}"))),))


def answer(text: str = "hm") -> Recall:
    recall = Recall("req_1")
    events: list[Event] = [
        BlockStart(0, Kind.REASONING),
        Delta(0, text),
        Seal(0, SEAL),
        BlockEnd(0),
        BlockStart(1, Kind.TOOL_CALL, "a"),
    ]
    recall.see(ordered(events))
    return recall


class Broken:
    """A store that is away, or answers nonsense."""

    def __init__(self, answer: Mapping[str, str] | None = None, wait_s: float = 0.0) -> None:
        self.answer = answer
        self.wait_s = wait_s
        self.kept: list[bytes] = []

    async def keep(self, owner: str, name: str, kept: bytes) -> None:
        self.kept.append(kept)
        raise OSError("away")

    async def recall(self, owner: str, names: Sequence[str]) -> Mapping[str, str]:
        await asyncio.sleep(self.wait_s)
        if self.answer is None:
            raise OSError("away")
        return dict.fromkeys(names, next(iter(self.answer.values())))


async def test_what_was_kept_comes_back_to_its_owner_alone(server: embedded.Embedded) -> None:
    store = SealStore(server.url)
    memory = Remember(store)
    memory.keep("key_1", answer(), 0)
    async with asyncio.timeout(30):
        while await memory.bring_back("key_1", ASKED) != TOLD:
            await asyncio.sleep(0.01)
    assert await memory.bring_back("key_2", ASKED) == ASKED
    lives_s = [await store._redis.ttl(key) for key in await store._redis.keys("fgw:seal:*")]
    assert [0 < life_s <= 3_600 for life_s in lives_s] == [True]
    await store.aclose()


@pytest.mark.parametrize("store", [Broken(), Broken({"": "nonsense"}), Broken({"": "[]"}, wait_s=5)])
async def test_a_store_in_trouble_is_done_without(store: Broken) -> None:
    memory = Remember(store)
    assert await memory.bring_back("key_1", ASKED) == ASKED
    memory.keep("key_1", answer(), 0)
    async with asyncio.timeout(30):
        while memory._keeping:
            await asyncio.sleep(0.01)


async def test_what_an_hour_may_hold_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remember, "HOUR_BYTES_MAX", 150)
    store = Broken()
    memory = Remember(store)
    memory.keep("key_1", answer("x" * remember.KEPT_BYTES_MAX), 3_600_000)
    for _ in range(9):
        memory.keep("key_1", answer(), 3_600_000)
    memory.keep("key_1", answer(), 7_200_000)
    async with asyncio.timeout(30):
        while memory._keeping:
            await asyncio.sleep(0.01)
    assert 2 <= len(store.kept) <= 3


async def test_a_long_history_is_walked_through_off_the_loop(
    server: embedded.Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(remember, "TURNS_INLINE_MAX", 0)
    threads: list[str] = []

    def noting(work: Callable[..., Any]) -> Callable[..., Any]:
        def noted(*given: Any) -> Any:
            threads.append(threading.current_thread().name)
            return work(*given)

        return noted

    for name in ("wanted", "restored"):
        monkeypatch.setattr(remember, name, noting(getattr(remember, name)))
    store = SealStore(server.url)
    memory = Remember(store)
    memory.keep("key_1", answer(), 0)
    async with asyncio.timeout(30):
        while await memory.bring_back("key_1", ASKED) != TOLD:
            await asyncio.sleep(0.01)
    assert len(threads) >= 2
    assert threading.main_thread().name not in threads
    await store.aclose()


async def test_nothing_is_looked_up_where_nothing_may_come_back() -> None:
    assert await Remember(Broken()).bring_back("key_1", ASKED, 0) is ASKED


@pytest.mark.parametrize(
    ("dialect", "body", "held"),
    [
        ("chat", '{"messages":[{"role":"assistant","tool_calls":[]}]}', True),
        ("chat", '{"messages":[{"role":"user","content":"hi"}],"tools":[]}', False),
        ("gemini", '{"contents":[{"parts":[{"functionCall":{}}]}]}', True),
        ("gemini", '{"contents":[{"parts":[{"function_call":{}}]}]}', True),
        ("gemini", '{"contents":[]}', False),
        ("messages", '{"messages":["tool_calls"]}', False),
    ],
)
def test_room_is_held_where_calls_are_seen(dialect: str, body: str, *, held: bool) -> None:
    fields = msgspec.json.decode(body, type=dict[str, msgspec.Raw])
    assert remember.held_bytes(dialect, fields) == (remember.HELD_BYTES_MAX if held else 0)
