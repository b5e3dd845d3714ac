"""The snapshot of keys over a real mirror in a real server."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from time import monotonic

import msgspec
import pytest
from redis.asyncio import Redis

from fastgw import apikey
from fastgw.dataplane.auth.credentials import Headers
from fastgw.dataplane.auth.keys import Keys
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.keys import CHANNEL, KeyMirror

KEY = apikey.mint()
PRINCIPAL = Principal("key_a", apikey.digest(KEY), 1, "first", Limits())
ADDRESS = "192.0.2.1"


def bearer(key: str) -> Headers:
    return [(b"accept", b"*/*"), (b"authorization", b"Bearer " + key.encode())]


@pytest.fixture
def server(tmp_path: Path) -> Iterator[embedded.Embedded]:
    started = embedded.start(tmp_path)
    yield started
    started.stop()


@pytest.fixture
async def mirror(server: embedded.Embedded) -> AsyncIterator[KeyMirror]:
    opened = KeyMirror(server.url)
    await opened.sync([PRINCIPAL])
    yield opened
    await opened.aclose()


@pytest.fixture
async def keys(mirror: KeyMirror) -> AsyncIterator[Keys]:
    opened = Keys(mirror, wrong_keys_per_min=3)
    await opened.start()
    # The first look at the version starts the snapshot; later ones change it only when something happened.
    while opened._version < 0:
        await asyncio.sleep(0.01)
    yield opened
    await opened.aclose()


async def refusal(keys: Keys, key: str, address: str = ADDRESS) -> GatewayError:
    with pytest.raises(GatewayError) as refused:
        await keys.authenticate(bearer(key), b"", address)
    return refused.value


async def test_a_key_is_looked_up_once(keys: Keys) -> None:
    assert keys.lookup(bearer(KEY), b"", ADDRESS) is None
    assert await keys.authenticate(bearer(KEY), b"", ADDRESS) == PRINCIPAL
    end = monotonic() + 20
    while keys.lookup(bearer(KEY), b"", ADDRESS) != PRINCIPAL:
        await keys.authenticate(bearer(KEY), b"", ADDRESS)
        assert monotonic() < end


async def test_a_crowd_with_a_new_key_looks_once_together(keys: Keys) -> None:
    # As many as meet a worker that has just started; each read of its own would take a connection of its own.
    headers = bearer(KEY)
    told = await asyncio.gather(*(keys.authenticate(headers, b"", ADDRESS) for _ in range(1_000)))
    assert set(told) == {PRINCIPAL}


async def test_a_revocation_is_heard(keys: Keys, mirror: KeyMirror) -> None:
    await keys.authenticate(bearer(KEY), b"", ADDRESS)
    await mirror.put(msgspec.structs.replace(PRINCIPAL, epoch=2, disabled=True))
    end = monotonic() + 20
    while True:
        try:
            await keys.authenticate(bearer(KEY), b"", ADDRESS)
        except GatewayError as error:
            assert error.kind is ErrorKind.INVALID_API_KEY
            break
        assert monotonic() < end
        await asyncio.sleep(0.01)


async def test_a_lost_message_is_noticed_by_the_version(
    keys: Keys, mirror: KeyMirror, server: embedded.Embedded, monkeypatch: pytest.MonkeyPatch
) -> None:
    await keys.authenticate(bearer(KEY), b"", ADDRESS)
    monkeypatch.setattr("fastgw.storage.valkey.keys.CHANNEL", "nobody:listens")
    await mirror.put(msgspec.structs.replace(PRINCIPAL, epoch=2, disabled=True))
    end = monotonic() + 20
    while keys.lookup(bearer(KEY), b"", ADDRESS) is not None:
        assert monotonic() < end
        await asyncio.sleep(0.01)
    assert (await refusal(keys, KEY)).kind is ErrorKind.INVALID_API_KEY


async def test_a_lost_subscription_is_made_again(keys: Keys, server: embedded.Embedded) -> None:
    async with Redis.from_url(server.url) as redis:
        end = monotonic() + 20
        for _ in range(2):
            while (await redis.pubsub_numsub(CHANNEL))[0][1] != 1:
                assert monotonic() < end
                await asyncio.sleep(0.01)
            await redis.client_kill_filter(_type="pubsub")


async def test_a_key_made_after_it_was_tried_works(keys: Keys, mirror: KeyMirror) -> None:
    late = apikey.mint()
    assert (await refusal(keys, late)).status == 401
    await mirror.put(msgspec.structs.replace(PRINCIPAL, key_id="key_b", digest=apikey.digest(late)))
    end = monotonic() + 20
    while True:
        try:
            assert (await keys.authenticate(bearer(late), b"", "192.0.2.77")).key_id == "key_b"
            return
        except GatewayError:
            assert monotonic() < end
            await asyncio.sleep(0.5)


async def test_wrong_keys_are_limited_by_address(keys: Keys) -> None:
    wrong = [apikey.mint(), "sk-mistyped", apikey.mint(), apikey.mint()]
    statuses = [(await refusal(keys, key)).status for key in wrong]
    assert statuses == [401, 401, 401, 429]
    blocked = await refusal(keys, KEY)
    assert (blocked.status, blocked.retry_after_s) == (429, 60)
    assert (await keys.authenticate(bearer(KEY), b"", "192.0.2.2")) == PRINCIPAL


async def test_a_known_key_works_beside_a_guesser(keys: Keys) -> None:
    end = monotonic() + 20
    while keys.lookup(bearer(KEY), b"", ADDRESS) is None:
        await keys.authenticate(bearer(KEY), b"", ADDRESS)
        assert monotonic() < end
    for _ in range(4):
        await refusal(keys, "sk-guess")
    assert keys.lookup(bearer(KEY), b"", ADDRESS) == PRINCIPAL


async def test_expiry_and_allowlist(keys: Keys, mirror: KeyMirror) -> None:
    expired, local = apikey.mint(), apikey.mint()
    await mirror.put(Principal("key_x", apikey.digest(expired), 1, "x", Limits(), expires_at_s=1))
    await mirror.put(Principal("key_l", apikey.digest(local), 1, "l", Limits(), ips=("10.0.0.0/8", "2001:db8::/32")))
    assert (await refusal(keys, expired)).kind is ErrorKind.KEY_EXPIRED
    assert (await refusal(keys, local)).kind is ErrorKind.IP_NOT_ALLOWED
    assert (await keys.authenticate(bearer(local), b"", "10.1.2.3")).key_id == "key_l"
    assert (await keys.authenticate(bearer(local), b"", "2001:db8::9")).key_id == "key_l"
    assert (await refusal(keys, local, "11.1.2.3")).status == 403


async def test_a_query_key_is_refused_before_anything_else(keys: Keys) -> None:
    with pytest.raises(GatewayError) as refused:
        keys.lookup(bearer(KEY), b"key=1", ADDRESS)
    assert refused.value.status == 400


async def test_a_store_that_is_away_is_a_503_for_new_keys_only(keys: Keys, server: embedded.Embedded) -> None:
    await keys.authenticate(bearer(KEY), b"", ADDRESS)
    server.stop()
    assert (await refusal(keys, apikey.mint())).status == 503
    assert (await refusal(keys, "sk-mistyped")).status == 401
