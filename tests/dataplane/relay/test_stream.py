"""A stream on its way back: what is no healthy stream still fails over, and a bomb stays small."""

import gzip

import pytest

from fastgw.dataplane.relay.stream import Upstream
from fastgw.errors import AttemptFailed
from fastgw.protocols.hub.dialect import StreamBroken, Tap
from fastgw.protocols.registry import PROVIDERS
from tests.dataplane.relay.source import Body
from tests.fakes.answers import chunk, error_event, events

EVENTS = b"text/event-stream"


def tap() -> Tap:
    return PROVIDERS["chat"].tap(hide_usage=False)


@pytest.mark.parametrize(
    ("reads", "media_type"),
    [
        ([], EVENTS),
        ([b": ping\n\n"], EVENTS),
        ([b"data: [DONE]\n\n"], EVENTS),
        ([error_event()], EVENTS),
        ([b"data: <html>\n\n"], EVENTS),
        ([chunk({"content": "x"})], b"text/html"),
        ([b": filler\n\n" * 10_000] * 20, EVENTS),
    ],
)
async def test_what_is_no_healthy_stream_fails_over(reads: list[bytes], media_type: bytes) -> None:
    with pytest.raises(AttemptFailed):
        await Upstream(Body(reads, content_type=media_type), tap()).open()


async def test_everything_up_to_the_first_meaningful_event_is_shown_together() -> None:
    first = chunk({"content": "a"})
    upstream = Upstream(Body([b": one\n\n", first[:9], first[9:]], content_type=EVENTS), tap())
    assert await upstream.open() == b": one\n\n" + first


async def test_what_comes_compressed_passes_plain() -> None:
    whole = b"".join(events())
    packed = gzip.compress(whole)
    source = Body([packed[:50], packed[50:]], content_type=EVENTS, content_encoding=b"gzip")
    upstream = Upstream(source, tap())
    got = await upstream.open()
    rest: list[bytes] = []

    def take(data: bytes) -> bool:
        rest.append(upstream.events_of(data))
        return True

    assert await upstream.pass_on(take)
    assert got + b"".join(rest) + upstream.end() == whole


async def test_a_bomb_breaks_the_stream_and_not_the_worker() -> None:
    bomb = gzip.compress(chunk({"content": "x"}) + b": " + bytes(64 << 20) + b"\n\n")
    with pytest.raises(AttemptFailed):
        await Upstream(Body([bomb], content_type=EVENTS, content_encoding=b"gzip"), tap()).open()


async def test_a_coding_that_ends_too_early_is_a_cut() -> None:
    packed = gzip.compress(b"".join(events()))[:-4]
    upstream = Upstream(Body([packed], content_type=EVENTS, content_encoding=b"gzip"), tap())
    await upstream.open()
    with pytest.raises(StreamBroken):
        upstream.end()
