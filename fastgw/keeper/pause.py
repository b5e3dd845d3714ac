"""Waiting that ends early when the process is asked to stop."""

import asyncio


async def pause(stop: asyncio.Event, seconds: float) -> bool:
    """Wait for `seconds` or for `stop`, whichever is first; True when it is `stop`."""
    try:
        async with asyncio.timeout(seconds):
            await stop.wait()
    except TimeoutError:
        return False
    return True
