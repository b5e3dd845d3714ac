"""What commands tell a running gateway of keys: no margin that they do not know, and quotas with what was spent."""

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from fastgw.app.command_stores import tell_keys
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.settings import Settings
from fastgw.settings.money import GroupSettings
from fastgw.settings.values import Stores
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.keys import KeyMirror
from fastgw.storage.valkey.purse_board import PurseBoard
from tests.fakes.shell import Inside


@pytest.fixture
def url(tmp_path: Path) -> Iterator[str]:
    server = embedded.start(tmp_path)
    yield server.url
    server.stop()


def key(group: str, epoch: int = 2, *, disabled: bool = False) -> Principal:
    return Principal("key_1", "0" * 64, epoch, "n", Limits(), group=group, disabled=disabled)


def mirrored(url: str) -> Principal | None:
    async def read() -> Principal | None:
        mirror = KeyMirror(url)
        await mirror.sync([])
        try:
            return await mirror.read("0" * 64)
        finally:
            await mirror.aclose()

    return asyncio.run(read())


def test_a_key_is_told_with_its_margin(url: str) -> None:
    settings = Settings(stores=Stores(redis_url=url), groups={"gold": GroupSettings(margin=Decimal(2))})
    tell_keys(settings, [key("gold")])
    found = mirrored(url)
    assert found is not None
    assert found.margin_ppm == 2_000_000


def test_a_key_whose_margin_is_not_known_is_left_to_the_keeper_unless_it_is_revoked(url: str) -> None:
    settings = Settings(stores=Stores(redis_url=url))
    tell_keys(settings, [key("gold")])
    assert mirrored(url) is None
    tell_keys(settings, [key("gold", 3, disabled=True)])
    found = mirrored(url)
    assert found is not None
    assert found.disabled


def test_what_a_key_has_spent_is_published_when_it_gets_a_quota(url: str, desk: Inside) -> None:
    async def wanted() -> set[str]:
        board = PurseBoard(url)
        try:
            return await board.wanted()
        finally:
            await board.aclose()

    desk.environ["FASTGW_REDIS_URL"] = url
    made = desk.told("keys", "create", "k")["id"]
    desk.told("keys", "update", made, "--rpm", "5")
    assert asyncio.run(wanted()) == set()
    desk.told("keys", "update", made, "--quota-day-usd", "5")
    assert asyncio.run(wanted()) == {made}
