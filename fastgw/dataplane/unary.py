"""The relay of a whole answer, with its bookkeeping."""

from fastgw.clock import monotonic_ns
from fastgw.dataplane import reply
from fastgw.dataplane.book import Book
from fastgw.dataplane.flight import Flight
from fastgw.dataplane.relay.unary import check_answer, content_codings, content_type, plain, unusable
from fastgw.dataplane.upstream.transport import Response
from fastgw.protocols.chat.answer import usage_in_tail
from fastgw.settings.values import Bounds

_TAIL_BYTES = 64 * 1024


async def relay_unary(flight: Flight, response: Response, bounds: Bounds, book: Book) -> None:
    """Hold the answer until it is seen to be one, record it, then hand it on."""
    flight.wait_upstream()
    try:
        body = await response.read_all(bounds.answer_bytes_buffered_max)
    finally:
        now_ns = flight.waited()
    if body is None:
        if content_codings(response):
            raise unusable("a compressed answer that is too large to hold")
        await _relay_large(flight, response, book)
        return
    body = plain(response, body, bounds.answer_bytes_buffered_max)
    flight.usage = check_answer(body, content_type(response)).usage
    flight.first_byte_ns = now_ns
    flight.delivered_bytes = len(body)
    book.answered(flight)
    down = flight.down
    await down.start(200, reply.head(flight, reply.JSON_HEADERS))
    await down.finish(body)


async def _relay_large(flight: Flight, response: Response, book: Book) -> None:
    """An answer too large to hold: it is passed on in pieces, and its usage is looked for in its last bytes."""
    flight.first_byte_ns = monotonic_ns()
    down = flight.down
    await down.start(200, reply.head(flight, reply.JSON_HEADERS))
    tail = b""
    held = b""
    while data := await response.read():
        if held:
            await down.write(held, monotonic_ns())
            flight.delivered_bytes += len(held)
        held = data
        tail = (tail + data)[-_TAIL_BYTES:]
    flight.usage = usage_in_tail(tail)
    flight.delivered_bytes += len(held)
    book.answered(flight)
    await down.finish(held)
