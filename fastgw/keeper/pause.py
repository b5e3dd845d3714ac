"""Waiting that ends early when the process is asked to stop."""

import asyncio

_EARLY_S = 0.001


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `seconds` or for `stop`, whichever is first; True when it is `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True


def tick(every_s: float) -> int:
    """The number of the present stretch of `every_s`, the same for all loops of the process."""
    return int(asyncio.get_running_loop().time() // every_s)


def until_tick(every_s: float) -> float:
    """Seconds until the next stretch begins. Loops that wait so look at the same moments, and share what they read."""
    # A timer may be early by the resolution of its clock.
    return every_s - asyncio.get_running_loop().time() % every_s + _EARLY_S
