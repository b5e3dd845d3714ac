"""Heads and errors as callers get them."""

from hypothesis import given
from hypothesis import strategies as st

from fastgw.dataplane import reply
from fastgw.dataplane.relay.downstream import KEEPALIVE, Downstream
from fastgw.dataplane.reply import error_head, head, rate_headers, send_error
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import RateStatus
from fastgw.money.amounts import AMOUNT_MAX, usd
from tests.dataplane.relay.test_downstream import Server
from tests.dataplane.test_flight import flight


def test_limits_are_told_only_where_there_are_some() -> None:
    assert rate_headers(RateStatus()) == []
    told = dict(rate_headers(RateStatus(limit_tokens=9, remaining_tokens=4, reset_tokens_ms=70)))
    assert told == {
        b"x-ratelimit-limit-tokens": b"9",
        b"x-ratelimit-remaining-tokens": b"4",
        b"x-ratelimit-reset-tokens": b"70ms",
    }


def test_an_error_says_when_and_whether_to_come_back() -> None:
    error = GatewayError(ErrorKind.OVERLOADED, "busy", retry_after_s=3, should_retry=False)
    told = dict(error_head(flight(), error))
    assert (told[b"retry-after"], told[b"x-should-retry"]) == (b"3", b"false")
    assert told[b"server-timing"].startswith(b"gw;dur=")


async def test_an_error_is_an_answer_a_frame_or_silence() -> None:
    error = GatewayError(ErrorKind.UPSTREAM_CUT, "cut")
    texts = []
    for started, framed in ((False, False), (True, True), (True, False)):
        server = Server()
        one = flight()
        one.down = Downstream(server.send)
        one.down.started, one.down.framed = started, framed
        await send_error(one, error)
        texts.append(server.text)
    assert texts[0].startswith(b"{")
    assert texts[1].startswith(b"data: {")
    assert texts[1].endswith(b"data: [DONE]\n\n")
    assert texts[2] == b""


def test_anthropics_sdks_read_the_id_of_every_answer() -> None:
    one = flight()
    assert b"request-id" not in dict(head(one, ()))
    one.dialect = "messages"
    assert dict(head(one, ()))[b"request-id"] == one.exchange_id.encode()
    assert [name for name, _ in error_head(one, GatewayError(ErrorKind.INTERNAL, "x"))].count(b"request-id") == 1


async def test_an_error_beside_a_comment_that_is_about_to_take_the_head_is_a_frame() -> None:
    server = Server()
    one = flight()
    one.down = Downstream(server.send)
    one.down.hold(lambda: [])
    one.down.keep_alive(1)
    await send_error(one, GatewayError(ErrorKind.UPSTREAM_UNAVAILABLE, "gone"))
    assert [message["type"] for message in server.sent].count("http.response.start") == 1
    assert server.text.startswith(KEEPALIVE + b"data: {")
    assert server.text.endswith(b"data: [DONE]\n\n")


@given(st.integers(0, AMOUNT_MAX))
def test_a_cost_is_written_as_everywhere(amount_nano: int) -> None:
    assert reply._usd(amount_nano).decode() == usd(amount_nano)
