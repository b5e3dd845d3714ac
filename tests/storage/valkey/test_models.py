"""The board of models on a real server."""

import asyncio

from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.models import ModelBoard


async def test_lists_are_replaced_and_announced(server: embedded.Embedded) -> None:
    board = ModelBoard(server.url)
    assert await board.publish("openai", ["b", "a", "a"])
    assert not await board.publish("openai", ["a", "b"])
    changes = board.changes()
    heard = asyncio.ensure_future(anext(changes))
    for turn in range(400):
        await board.publish("other", [f"m{turn}"])
        await asyncio.sleep(0.05)
        if heard.done():
            break
    assert await heard == "other"
    assert (await board.read_all())["openai"] == ("a", "b")
    await changes.aclose()  # type: ignore[attr-defined] # an async generator
    await board.aclose()
