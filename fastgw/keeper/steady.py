"""The loop of whoever keeps a copy like the truth: look, say once when that fails and once when it works again."""

import asyncio
import logging
from collections.abc import Awaitable, Callable

from fastgw.keeper.pause import pause, until_tick

_log = logging.getLogger("fastgw.keeper")


async def steadily(stop: asyncio.Event, look: Callable[[], Awaitable[object]], every_s: float, what: str) -> None:
    """Call `look` every `every_s` seconds until `stop` is set. `what` is what logs say is mirrored."""
    failing = False
    while True:
        try:
            await look()
        # Sources and copies raise errors of their own kinds, and if this loop ended, nothing would ever change again.
        # Workers go on with what they know; the next look tries again.
        except Exception as error:
            if not failing:
                _log.error("%s cannot be mirrored, trying on", what, exc_info=error)
            failing = True
        else:
            if failing:
                _log.warning("%s are mirrored again", what)
            failing = False
        if await pause(stop, until_tick(every_s)):
            return
