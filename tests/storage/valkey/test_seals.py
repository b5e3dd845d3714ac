"""Kept reasoning: for its owner alone, for an hour, under names that callers chose."""

from collections.abc import AsyncIterator

import pytest

from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.seals import KEPT_S, SealStore


@pytest.fixture
async def store(server: embedded.Embedded) -> AsyncIterator[SealStore]:
    opened = SealStore(server.url)
    yield opened
    await opened.aclose()


async def test_each_owner_gets_its_own(store: SealStore) -> None:
    await store.keep("key_1", "call_a", b"one")
    await store.keep("key_2", "call_a", b"two")
    assert await store.recall("key_1", ["call_b", "call_a"]) == {"call_a": "one"}
    assert await store.recall("key_2", ["call_a"]) == {"call_a": "two"}
    assert await store.recall("key_3", ["call_a"]) == {}


async def test_nothing_is_kept_for_longer_than_said(store: SealStore) -> None:
    await store.keep("key_1", "any text, ü \n", b"one")
    keys = await store._redis.keys("fgw:seal:*")
    assert [0 < await store._redis.ttl(key) <= KEPT_S for key in keys] == [True]
