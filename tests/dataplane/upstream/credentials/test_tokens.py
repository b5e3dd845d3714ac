"""Access tokens: one fetch for all, kept for their life, renewed ahead, and never a request without an end."""

import asyncio
import logging

import pytest

from fastgw.dataplane.upstream.credentials.tokens import AGAIN_MS, ANSWER_BYTES_MAX, Bearer, Question, Tokens
from fastgw.dataplane.upstream.transport import Failure, Request, TransportError
from tests.dataplane.upstream.credentials.issuer import Issuer, issuing, token


class Hand:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.ms = 1_000_000

    def __call__(self) -> int:
        return self.ms


def tokens_of(issuer: Issuer, hand: Hand) -> Tokens:
    return Tokens(lambda: Question(issuer.url, {"secret": "s3cr3t"}), "", hand)


async def until(tokens: Tokens, value: bytes) -> None:
    async with asyncio.timeout(20):
        while await tokens.current() != value:
            await asyncio.sleep(0.005)


async def test_many_requests_wait_for_one_fetch() -> None:
    async with issuing(token("a")) as issuer:
        tokens = tokens_of(issuer, Hand())
        issuer.gate.clear()
        waiting = [asyncio.create_task(tokens.current()) for _ in range(20)]
        while not issuer.forms:
            await asyncio.sleep(0.005)
        waiting[0].cancel()
        issuer.gate.set()
        got = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(got[0], asyncio.CancelledError), "who hangs up does not take the fetch along"
        assert set(got[1:]) == {b"Bearer a"}
        assert issuer.forms == [{"secret": "s3cr3t"}]


async def test_a_token_is_renewed_ahead_of_its_end_while_the_old_one_serves() -> None:
    async with issuing(token("a"), token("b")) as issuer:
        hand = Hand()
        tokens = tokens_of(issuer, hand)
        assert await tokens.current() == b"Bearer a"
        hand.ms += 3_200_000
        assert await tokens.current() == b"Bearer a"
        assert len(issuer.forms) == 1
        hand.ms += 200_000
        issuer.gate.clear()
        assert await tokens.current() == b"Bearer a", "nobody waits for the renewal"
        issuer.gate.set()
        await until(tokens, b"Bearer b")
        assert len(issuer.forms) == 2


async def test_a_failed_renewal_lets_the_old_token_serve_to_its_end() -> None:
    async with issuing(token("a"), (500, b"")) as issuer:
        hand = Hand()
        tokens = tokens_of(issuer, hand)
        await tokens.current()
        hand.ms += 3_590_000
        for _ in range(50):
            assert await tokens.current() == b"Bearer a"
            await asyncio.sleep(0.002)
        hand.ms += 10_000
        with pytest.raises(TransportError):
            await tokens.current()


@pytest.mark.parametrize(
    ("answer", "why"),
    [
        ((400, b'{"error":"invalid_grant s3cr3t"}'), "127.0.0.1 answered 400"),
        ((200, b"<html>"), "the answer holds none"),
        ((200, b'{"access_token": 7}'), "the answer holds none"),
        ((200, b'{"access_token": "a\\r\\nx: y"}'), "no header can carry"),
        ((200, b'{"access_token":"' + b"x" * ANSWER_BYTES_MAX + b'"}'), "more than"),
    ],
)
async def test_no_token_is_a_failure_to_connect_that_names_no_secret(
    answer: tuple[int, bytes], why: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "fastgw"):
        async with issuing(answer) as issuer:
            with pytest.raises(TransportError, match=why) as failed:
                await tokens_of(issuer, Hand()).current()
    assert failed.value.failure is Failure.CONNECT
    assert not failed.value.sent
    assert "s3cr3t" not in caplog.text + str(failed.value)


async def test_after_a_failure_requests_fail_at_once_for_a_while() -> None:
    async with issuing((503, b""), token("a")) as issuer:
        hand = Hand()
        tokens = tokens_of(issuer, hand)
        for _ in range(3):
            with pytest.raises(TransportError):
                await tokens.current()
        assert len(issuer.forms) == 1
        hand.ms += AGAIN_MS
        assert await tokens.current() == b"Bearer a"


async def test_nobody_there() -> None:
    async with issuing(token("a")) as issuer:
        pass
    with pytest.raises(TransportError, match="no access token"):
        await tokens_of(issuer, Hand()).current()


async def test_the_token_goes_into_the_request() -> None:
    async with issuing(token("a")) as issuer:
        asked = Request(b"POST", "https://h", b"/", ((b"authorization", b"old"), (b"accept", b"*/*")), b"{}")
        signed = await Bearer(tokens_of(issuer, Hand())).sign(asked)
    assert signed.headers == ((b"authorization", b"Bearer a"), (b"accept", b"*/*"))
    assert signed.body == asked.body
