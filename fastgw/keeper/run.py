"""The keeper's main loop: journals, keys and model lists side by side, until it is asked to stop."""

import asyncio
from collections.abc import Callable, Mapping, Sequence

from fastgw.keeper.drain import Drain
from fastgw.keeper.mirror import Mirroring
from fastgw.keeper.model_lists import ModelLists
from fastgw.keeper.ports import Journals, KeyMirror, KeySource, Ledger, ModelBoard
from fastgw.providers.vendor import Vendor
from fastgw.settings.values import ProviderSettings


async def run(
    *,
    journals: Journals,
    ledger: Ledger,
    keys: KeySource,
    mirror: KeyMirror,
    board: ModelBoard,
    providers: Sequence[ProviderSettings],
    vendors: Mapping[str, Vendor],
    models_refresh_s: float,
    stop: asyncio.Event,
    ready: Callable[[], None],
) -> None:
    """Keep until `stop` is set; then drain what is there, and return.

    While another keeper has the journals it waits for that one to end. `ready` is called once, when work begins. The
    caller owns the stores and closes them, and sets `stop` on SIGTERM. A defect in a part ends the whole with an
    exception group, for the supervisor to start it anew.
    """
    drain = Drain(journals, ledger)
    if not await drain.claim(stop):
        return
    try:
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(Mirroring(keys, mirror).run(stop), name="mirror keys"),
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
