"""Opens streams against one gateway, counts and times every event, and says what went wrong, if anything.

Speaks in lines on stdout: `open N` when every stream has begun (N events so far), `close N` after the measured window,
and at the end one JSON object. The caller takes the CPU time of the gateway at the first two.
"""

import argparse
import asyncio
import gc
import math
import sys
import time
from typing import cast

import httptools
import msgspec
import uvloop

from bench import dialects, payloads
from bench.dialects import ASKING, Asking

_TAIL_BYTES = 256 * 1024
"""Of an answer that repeats its whole text at the end (Responses)."""


class Report(msgspec.Struct):
    """What the client saw. Delays are from the provider's write to the client's read, in microseconds."""

    streams: int = 0
    complete: int = 0
    errors: dict[str, int] = {}
    events_window: int = 0
    window_s: float = 0.0
    delay_p50_us: int = 0
    delay_p99_us: int = 0
    delay_max_us: int = 0
    end_p50_us: int = 0
    """From the provider's write of the last event to the client's end of the body."""


class Load:
    """State shared by all streams of a run."""

    def __init__(self, request: bytes, events: int, streams: int, asking: Asking = ASKING["chat"]) -> None:
        self.asking = asking
        self.keep = len(asking.stamp) + payloads.STAMP_DIGITS - 1
        self.request = request
        self.events_expected = events
        self.events = 0
        self.ends: list[int] = []
        self.delays: list[int] | None = None
        """Filled only during the measured window."""
        self.began = 0
        self.ended = 0
        self.streams = streams
        self.errors: dict[str, int] = {}
        self.all_began = asyncio.Event()
        self.all_ended = asyncio.Event()

    def note_begin(self) -> None:
        """One more stream has had its first event."""
        self.began += 1
        if self.began + sum(self.errors.values()) >= self.streams:
            self.all_began.set()

    def note_end(self, error: str) -> None:
        """One more stream is over, for better or worse."""
        self.ended += 1
        if error:
            self.errors[error] = self.errors.get(error, 0) + 1
            if self.began + sum(self.errors.values()) >= self.streams:
                self.all_began.set()
        if self.ended == self.streams:
            self.all_ended.set()


class StreamClient(asyncio.Protocol):
    """One stream on a connection of its own."""

    def __init__(self, load: Load) -> None:
        self._load = load
        self._parser = httptools.HttpResponseParser(self)
        self._transport: asyncio.Transport
        self._rest = b""
        self._events = 0
        self._stamp_us = 0
        self._tail = b""
        self._over = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Connected: send the request."""
        self._transport = cast(asyncio.Transport, transport)
        self._transport.write(self._load.request)

    def data_received(self, data: bytes) -> None:
        """Undo the chunked coding; events are counted in `on_body`."""
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._finish("broken HTTP")

    def on_body(self, body: bytes) -> None:
        """Count the events in a piece of the body, also one that is cut in two."""
        load = self._load
        text = self._rest + body
        now_us = time.monotonic_ns() // 1000
        at, count, digits, stamped = 0, 0, payloads.STAMP_DIGITS, load.asking.stamp
        while (found := text.find(stamped, at)) >= 0:
            begin = found + len(stamped)
            stamp = text[begin : begin + digits]
            if len(stamp) < digits:
                break
            self._stamp_us = int(stamp)
            if load.delays is not None:
                load.delays.append(now_us - self._stamp_us)
            count += 1
            at = begin + digits
        self._rest = text[max(at, len(text) - load.keep) :]
        self._tail = body if count else (self._tail + body)[-_TAIL_BYTES:]
        if count:
            load.events += count
            if not self._events:
                load.note_begin()
            self._events += count

    def on_message_complete(self) -> None:
        """The body has ended: was it all there?"""
        if self._parser.get_status_code() != 200:
            self._finish(f"status {self._parser.get_status_code()}")
        elif self._events != self._load.events_expected:
            self._finish("wrong number of events")
        elif self._load.asking.end_mark not in self._tail:
            self._finish("no end mark")
        elif self._load.asking.usage_mark not in self._tail:
            self._finish("no usage")
        else:
            self._load.ends.append(time.monotonic_ns() // 1000 - self._stamp_us)
            self._finish("")

    def connection_lost(self, exc: Exception | None) -> None:
        """An end before the end of the body is an error."""
        self._finish("connection lost")

    def _finish(self, error: str) -> None:
        if not self._over:
            self._over = True
            self._load.note_end(error)
            self._transport.close()


def request_bytes(port: int, path: str, headers: list[str], body: bytes) -> bytes:
    """A POST as it goes over the wire; `headers` are `name: value` lines."""
    lines = [f"POST {path} HTTP/1.1", f"host: 127.0.0.1:{port}", "content-type: application/json", *headers]
    return "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode() + body


def percentile(ordered: list[int], share: float) -> int:
    """The value below which `share` (0-1) of an ascending list lies; 0 of an empty one."""
    return ordered[min(len(ordered) - 1, math.ceil(share * len(ordered)) - 1)] if ordered else 0


async def run(arguments: argparse.Namespace) -> Report:
    """Open all streams over `ramp_s`, hold the window, wait for their natural end."""
    seconds, ramp_s, pace = arguments.seconds, arguments.ramp, arguments.pace
    events = int((ramp_s + seconds + 1.0) * pace)
    if arguments.dialect:
        asking = ASKING[arguments.dialect]
        body = dialects.request_body(arguments.dialect, arguments.model, events=events, pace=pace)
        path = asking.path_stream.replace("{model}", arguments.model)
    else:
        asking, path = ASKING["chat"], arguments.path
        body = payloads.request_body(events=events, pace=pace)
    load = Load(request_bytes(arguments.port, path, arguments.header, body), events, arguments.streams, asking)
    loop = asyncio.get_running_loop()
    start = loop.time()
    for number in range(arguments.streams):
        await asyncio.sleep(max(0.0, start + number * ramp_s / arguments.streams - loop.time()))
        try:
            await loop.create_connection(lambda: StreamClient(load), "127.0.0.1", arguments.port)
        except OSError:
            load.note_end("refused")
    async with asyncio.timeout(30 + seconds):
        await load.all_began.wait()
    load.delays = []
    _say(f"open {load.events}")
    before, since = load.events, time.monotonic()
    await asyncio.sleep(seconds)
    window_s, in_window = time.monotonic() - since, load.events - before
    _say(f"close {load.events}")
    delays, load.delays = sorted(load.delays), None
    try:
        async with asyncio.timeout(30 + 3 * (ramp_s + seconds)):
            await load.all_ended.wait()
    except TimeoutError:
        load.errors["never ended"] = load.streams - load.ended
    return Report(
        streams=load.streams,
        complete=load.streams - sum(load.errors.values()),
        errors=load.errors,
        events_window=in_window,
        window_s=window_s,
        delay_p50_us=percentile(delays, 0.5),
        delay_p99_us=percentile(delays, 0.99),
        delay_max_us=delays[-1] if delays else 0,
        end_p50_us=percentile(sorted(load.ends), 0.5),
    )


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--path", default="/v1/chat/completions")
    parser.add_argument("--dialect", default="", help="ask in this one, with the plan in the text")
    parser.add_argument("--model", default=payloads.MODEL)
    parser.add_argument("--header", action="append", default=[], help="`name: value`, several times")
    parser.add_argument("--streams", type=int, default=200)
    parser.add_argument("--pace", type=int, default=50, help="events a second of each stream")
    parser.add_argument("--seconds", type=float, default=10.0, help="length of the measured window")
    parser.add_argument("--ramp", type=float, default=1.0, help="seconds over which the streams are opened")
    arguments = parser.parse_args()
    # A collection of hundreds of thousands of live integers would look like a stall of the gateway.
    gc.disable()
    _say(msgspec.json.encode(uvloop.run(run(arguments))).decode())


if __name__ == "__main__":
    main()
