"""The relay of a whole answer, with its bookkeeping: untouched in its own dialect, else translated."""

import asyncio
from collections.abc import Callable, Iterable

import msgspec

from fastgw.clock import monotonic_ns
from fastgw.dataplane import reply
from fastgw.dataplane.book import Book
from fastgw.dataplane.flight import Flight
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.dataplane.relay.unary import check_answer, content_codings, content_type, plain, unusable
from fastgw.dataplane.upstream.transport import Response
from fastgw.exchange import Call, Candidate
from fastgw.protocols.hub.dialect import ProviderDialect, Setting, Unusable
from fastgw.protocols.hub.events import BlockStart, Delta, Event, Failed, Used
from fastgw.protocols.hub.recall import Recall
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.hub.translate import UNCOUNTED
from fastgw.protocols.registry import CALLERS, PROVIDERS
from fastgw.settings.values import Bounds
from fastgw.usage import Usage

_TAIL_BYTES = 64 * 1024
_BYTES_PER_TOKEN = 4


async def relay_unary(flight: Flight, response: Response, bounds: Bounds, book: Book) -> None:
    """Hold the answer until it is seen to be one, record it, then hand it on."""
    assert flight.candidate is not None, "an answer comes from a candidate"
    dialect = PROVIDERS[flight.candidate.dialect]
    flight.wait_upstream()
    try:
        held = await response.read_all(bounds.answer_bytes_buffered_max)
    finally:
        flight.waited()
    body = _whole(response, held, bounds)
    if body is None:
        await _relay_large(flight, response, dialect, book)
        return
    reading = check_answer(dialect.read_answer(body), body, content_type(response))
    flight.usage = reading.usage
    if reading.usage is None:
        if len(body) > OFF_LOOP_BYTES:
            flight.output_tokens_counted = await asyncio.to_thread(_counted, dialect, body, flight.candidate)
        else:
            flight.output_tokens_counted = _counted(dialect, body, flight.candidate)
    said = body if reading.instead is None else reading.instead
    _answered(flight, said, book)
    await flight.down.start(200, reply.head(flight, reply.JSON_HEADERS))
    await flight.down.finish(said)


async def relay_translated(
    flight: Flight,
    call: Call,
    setting: Setting,
    recall: Recall,
    response: Response,
    bounds: Bounds,
    book: Book,
    keep: Callable[[], None],
) -> None:
    """Hold the answer, say it in the caller's dialect, record and `keep` it, then hand it over."""
    candidate = flight.candidate
    assert candidate is not None, "an answer comes from a candidate"
    flight.wait_upstream()
    try:
        held = await response.read_all(bounds.answer_bytes_buffered_max)
    finally:
        flight.waited()
    body = _whole(response, held, bounds)
    if body is None:
        raise unusable("an answer too large to translate")
    try:
        if len(body) > OFF_LOOP_BYTES:
            said, usage, counted = await asyncio.to_thread(_translate, body, candidate, setting, recall, call.dialect)
        else:
            said, usage, counted = _translate(body, candidate, setting, recall, call.dialect)
    except (Unusable, msgspec.MsgspecError) as exc:
        raise unusable(str(exc)) from exc
    flight.usage, flight.output_tokens_counted = usage, counted
    keep()
    _answered(flight, said, book)
    await flight.down.start(200, reply.head(flight, reply.JSON_HEADERS))
    await flight.down.finish(said)


def _whole(response: Response, body: bytes | None, bounds: Bounds) -> bytes | None:
    """The whole answer without codings, None if it is too large to hold."""
    if body is None:
        if content_codings(response):
            raise unusable("a compressed answer that is too large to hold")
        return None
    return plain(response, body, bounds.answer_bytes_buffered_max)


def _translate(
    body: bytes, candidate: Candidate, setting: Setting, recall: Recall, dialect: str
) -> tuple[bytes, Usage | None, int]:
    """The caller's answer, what the provider says that it used, and the gateway's own count of the output."""
    events: list[Event] = ordered(PROVIDERS[candidate.dialect].decode_answer(body, candidate.target))
    used: Usage | None = None
    for event in events:
        if isinstance(event, Used):
            used = event.usage
        elif isinstance(event, Failed):
            raise Unusable(f"200 with an error inside: {event.message}")
    said = CALLERS[dialect].encode_answer(recall.see(events), setting)
    return said, used, _tokens(events)


def _counted(dialect: ProviderDialect, body: bytes, candidate: Candidate) -> int:
    """The gateway's own count of an answer that is passed on as it is: of its text, where that can be read."""
    try:
        return _tokens(dialect.decode_answer(body, candidate.target))
    except (Unusable, msgspec.MsgspecError):
        return -(-len(body) // _BYTES_PER_TOKEN)


def _tokens(events: Iterable[Event]) -> int:
    """About how many tokens a model made: of text, arguments and reasoning."""
    text_bytes = 0
    silent: set[int] = set()
    for event in events:
        if isinstance(event, Delta):
            if event.at not in silent:
                text = event.text
                text_bytes += len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))
        elif isinstance(event, BlockStart) and event.kind in UNCOUNTED:
            silent.add(event.at)
    return -(-text_bytes // _BYTES_PER_TOKEN)


def _answered(flight: Flight, body: bytes, book: Book) -> None:
    flight.first_byte_ns = monotonic_ns()
    flight.delivered_bytes = len(body)
    book.answered(flight)


async def _relay_large(flight: Flight, response: Response, dialect: ProviderDialect, book: Book) -> None:
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
            # In case that it is cut.
            flight.output_tokens_counted = -(-flight.delivered_bytes // _BYTES_PER_TOKEN)
        held = data
        tail = (tail + data)[-_TAIL_BYTES:]
    flight.usage = dialect.usage_in_tail(tail)
    flight.delivered_bytes += len(held)
    flight.output_tokens_counted = -(-flight.delivered_bytes // _BYTES_PER_TOKEN)
    book.answered(flight)
    await down.finish(held)
