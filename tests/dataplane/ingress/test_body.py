"""Request bodies: their bounds, their codings, and what is held while they are read."""

import gzip
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from fastgw.dataplane.ingress.body import BodyBudget, Framing, framing, read_body
from fastgw.errors import ErrorKind, GatewayError

GONE = {"type": "http.disconnect"}


def client(*messages: dict[str, Any]) -> Callable[[], Awaitable[dict[str, Any]]]:
    left = list(messages)

    async def receive() -> dict[str, Any]:
        return left.pop(0)

    return receive


def part(body: bytes, more: bool = False) -> dict[str, Any]:
    return {"type": "http.request", "body": body, "more_body": more}


async def read(frame: Framing, *messages: dict[str, Any], most: int = 100, budget: BodyBudget | None = None) -> bytes:
    return await read_body(client(*messages), frame, most, budget or BodyBudget(1_000), lambda: None)


async def test_an_announced_length_that_is_too_large_is_refused_unread() -> None:
    with pytest.raises(GatewayError) as refused:
        await read(Framing(101))
    assert refused.value.kind is ErrorKind.REQUEST_TOO_LARGE


@pytest.mark.parametrize(
    ("frame", "messages", "kind"),
    [
        (Framing(), [part(b"x" * 60, True), part(b"x" * 60)], ErrorKind.REQUEST_TOO_LARGE),
        (Framing(), [part(b"x" * 101)], ErrorKind.REQUEST_TOO_LARGE),
        (Framing(10), [part(b"x", True), GONE], ErrorKind.CLIENT_GONE),
        (Framing(0), [GONE], ErrorKind.CLIENT_GONE),
        (Framing(None, ("gzip",)), [part(gzip.compress(bytes(101)))], ErrorKind.REQUEST_TOO_LARGE),
        (Framing(None, ("gzip",)), [part(gzip.compress(b"abc")[:-2])], ErrorKind.BAD_REQUEST),
        (Framing(None, ("gzip",)), [part(b"", True), part(b"no gzip")], ErrorKind.BAD_REQUEST),
    ],
)
async def test_whatever_ends_the_reading_nothing_stays_held(
    frame: Framing, messages: list[dict[str, Any]], kind: ErrorKind
) -> None:
    budget = BodyBudget(1_000)
    with pytest.raises(GatewayError) as refused:
        await read(frame, *messages, budget=budget)
    assert refused.value.kind is kind
    assert budget.held_bytes == 0


async def test_codings_are_undone_from_the_last_one_and_the_plain_size_is_held() -> None:
    budget = BodyBudget(1_000)
    packed = gzip.compress(gzip.compress(b"hello"))
    assert await read(Framing(None, ("gzip", "gzip")), part(packed), budget=budget) == b"hello"
    assert budget.held_bytes == 5


async def test_a_full_budget_sheds_load() -> None:
    with pytest.raises(GatewayError) as refused:
        await read(Framing(), part(b"12345"), budget=BodyBudget(4))
    assert (refused.value.kind, refused.value.retry_after_s) == (ErrorKind.OVERLOADED, 1)


def test_framing_knows_codings_by_any_case_and_refuses_others() -> None:
    assert framing([(b"content-length", b"7"), (b"content-encoding", b"GZIP, identity")]) == Framing(7, ("gzip",))
    assert framing([(b"content-length", b"+7")]) == Framing(None)
    for value in (b"lzma", b"gzip,gzip,gzip"):
        with pytest.raises(GatewayError) as refused:
            framing([(b"content-encoding", value)])
        assert refused.value.status == 415
