"""The keeper's main loop: journals, money, keys, prices and model lists side by side, until it is asked to stop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from fastgw.keeper.drain import Drain
from fastgw.keeper.mirror import Mirroring
from fastgw.keeper.model_lists import ModelLists
from fastgw.keeper.ports import Journals, KeyMirror, KeySource, Ledger, ModelBoard
from fastgw.keeper.prices import PriceBoard, PriceMirroring, PriceSource
from fastgw.keeper.purse_ports import PurseBoard, PurseSource
from fastgw.keeper.purses import Purses
from fastgw.keeper.upkeep import Check, Forget, Upkeep
from fastgw.providers.vendor import Vendor
from fastgw.settings.values import ProviderSettings

REGISTER_S = 2.0
"""How long a purse waits for the journals of new workers; it may be published without, and then again with them."""


async def run(
    *,
    journals: Journals,
    ledger: Ledger,
    purses: PurseSource,
    purse_board: PurseBoard,
    keys: KeySource,
    mirror: KeyMirror,
    prices: PriceSource,
    price_board: PriceBoard,
    board: ModelBoard,
    providers: Sequence[ProviderSettings],
    vendors: Mapping[str, Vendor],
    models_refresh_s: float,
    forget: Forget,
    check: Check,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Keep until `stop` is set; then drain what is there, and return.

    While another keeper has the journals it waits for that one to end. `ready` is called once, when work begins. The
    caller owns the stores and closes them, and sets `stop` on SIGTERM. A defect in a part ends the whole with an
    exception group, for the supervisor to start it anew.
    """

    async def register() -> None:
        drain.hurry()
        with suppress(TimeoutError):
            async with asyncio.timeout(REGISTER_S):
                await drain.looked()

    publishing = Purses(purses, purse_board, register)
    drain = Drain(journals, ledger, touched=publishing.changed)
    if not await drain.claim(stop):
        return
    try:
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(Mirroring(keys, mirror).run(stop), name="mirror keys"),
                group.create_task(PriceMirroring(prices, price_board).run(stop), name="mirror prices"),
                group.create_task(publishing.run(stop), name="publish purses"),
                group.create_task(Upkeep(forget, check).run(stop), name="upkeep"),
                group.create_task(
                    ModelLists(providers, vendors, board, refresh_s=models_refresh_s).run(stop), name="list models"
                ),
            ]
            ready()
            await drain.run(stop)
            for task in beside:
                task.cancel()
    finally:
        journals.close()
