"""The desk of a worker: a few at once, the rest waits or is told to come again."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from sqlalchemy.exc import OperationalError

from fastgw.app.topups import AT_ONCE, TopUps
from fastgw.controlplane.answering import Refused
from fastgw.controlplane.payments.desk import Answer, PaymentRefused, Started
from fastgw.errors import GatewayError


class Slow:
    """Takes notices when it is let, and counts those at work."""

    def __init__(self) -> None:
        self.go = asyncio.Event()
        self.working = self.most = 0
        self.raised: Exception | None = None

    async def notify(self, provider: str, headers: Sequence[tuple[bytes, bytes]], body: bytes, source: str) -> Answer:
        self.working += 1
        self.most = max(self.most, self.working)
        await self.go.wait()
        self.working -= 1
        return Answer(200, "ok")

    async def checkout(self, account_id: str, provider: str, *, amount_usd_nano: int) -> Started:
        assert self.raised is not None
        raise self.raised


def desk_of(slow: Slow, waiting_max: int = 5) -> TopUps:
    payments: Any = slow
    return TopUps(payments, waiting_max=waiting_max)


async def test_a_few_at_once_and_no_endless_queue() -> None:
    slow = Slow()
    desk = desk_of(slow)
    running = [asyncio.ensure_future(desk.notify("stripe", (), b"", "")) for _ in range(5)]
    await asyncio.sleep(0.01)
    assert slow.working == AT_ONCE
    with pytest.raises(GatewayError) as refused:
        await desk.notify("stripe", (), b"", "")
    assert (refused.value.status, refused.value.retry_after_s) == (503, 1)
    slow.raised = PaymentRefused("no", 404)
    with pytest.raises(Refused):
        await asyncio.wait_for(desk.checkout("acct_a", "stripe", 1), 30)
    running.pop().cancel()
    slow.go.set()
    assert await asyncio.gather(*running) == [(200, "ok")] * 4
    assert slow.most == AT_ONCE
    assert await desk.notify("stripe", (), b"", "") == (200, "ok")


async def test_what_cannot_be_begun() -> None:
    slow = Slow()
    desk = desk_of(slow)
    slow.raised = PaymentRefused("the least is 1 USD", 400)
    with pytest.raises(Refused, match="least") as refused:
        await desk.checkout("acct_a", "stripe", 1)
    assert (refused.value.status, refused.value.code) == (400, "invalid_request")
    slow.raised = OperationalError("SELECT secret", {}, OSError("10.1.2.3"))
    with pytest.raises(GatewayError) as failed:
        await desk.checkout("acct_a", "stripe", 1)
    assert failed.value.status == 503 and "SELECT" not in failed.value.message
