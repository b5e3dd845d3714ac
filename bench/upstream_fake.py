"""A provider that costs next to nothing: fixed chat completions and paced streams, on uvloop and httptools.

`python -m bench.upstream_fake` serves HTTP/1.1 on one port and, given a certificate, HTTP/1.1 and HTTP/2 over TLS on
another; it prints both ports as one JSON line. A request whose head has been seen before is answered after one
dictionary look-up; only new heads, split and chunked messages go through the parser.
"""

import argparse
import asyncio
import gc
import socket
import ssl
import sys
from typing import Final, cast

import httptools
import msgspec
import uvloop

from bench import dialects, payloads
from bench.upstream_http2 import Http2Connection
from bench.upstream_pacing import Counters, Flow, Wheel

_HEADS_MAX = 512
_FLOOD_SEND_BUFFER_BYTES = 65_536
"""Of a flooded socket, so that the memory seen with slow readers is the gateway's and not the fake's."""


def _answer(status: bytes, body: bytes) -> bytes:
    head = b"HTTP/1.1 %s\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n" % (status, len(body))
    return head + body


_ANSWERS: Final = {name: _answer(b"200 OK", script.answer) for name, script in dialects.SCRIPTS.items()}
_MODELS: Final = _answer(b"200 OK", payloads.MODELS)
_NOT_FOUND: Final = _answer(b"404 Not Found", b'{"error":{"message":"no such path","type":"invalid_request_error"}}')
_STREAM_HEAD: Final = (
    b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream; charset=utf-8\r\n"
    b"cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
)


class Provider:
    """What all connections share."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.counters = Counters()
        self.wheel = Wheel(loop, self.counters)
        self.heads: dict[bytes, tuple[int, bytes]] = {}
        """Request heads seen before -> length of the whole message, target."""


class Http1Connection(asyncio.Protocol):
    """One connection; requests one after the other."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider
        self._transport: asyncio.Transport
        self._parser: httptools.HttpRequestParser | None = None
        self._target = b""
        self._body: list[bytes] = []
        self._complete = False
        self._flow: Flow | None = None
        self._paused = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A gateway has connected."""
        self._transport = cast(asyncio.Transport, transport)
        self._provider.counters.connections_open += 1
        self._provider.counters.connections += 1

    def connection_lost(self, exc: Exception | None) -> None:
        """The gateway has gone; a stream that is still running counts as aborted."""
        self._provider.counters.connections_open -= 1
        if self._flow is not None:
            self._provider.wheel.abort(self._flow)

    def data_received(self, data: bytes) -> None:
        """Answer the fast way when the head is known and the message complete, else parse."""
        if self._parser is None:
            head = data[: data.find(b"\r\n\r\n") + 4]
            known = self._provider.heads.get(head)
            if known is not None and known[0] == len(data):
                self._respond(known[1], data)
                return
        self._parse(data)

    def _parse(self, data: bytes) -> None:
        whole = self._parser is None
        if self._parser is None:
            self._parser = httptools.HttpRequestParser(self)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self._transport.close()
            return
        if not self._complete:
            return
        self._complete, self._parser = False, None
        body = b"".join(self._body)
        self._body.clear()
        head, heads = data[: data.find(b"\r\n\r\n") + 4], self._provider.heads
        if whole and len(head) + len(body) == len(data) and len(heads) < _HEADS_MAX:
            heads[head] = (len(data), self._target)
        self._respond(self._target, body)

    def on_url(self, url: bytes) -> None:
        """The parser has read the target."""
        self._target = url

    def on_body(self, body: bytes) -> None:
        """The parser has read part of the body."""
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The parser has read a whole request."""
        self._complete = True

    def _respond(self, target: bytes, message: bytes) -> None:
        provider = self._provider
        provider.counters.requests += 1
        dialect = "chat" if target.endswith(b"/chat/completions") else dialects.spoken_at(target)
        if dialect is not None:
            plan = dialects.plan(target, message)
            if plan is None:
                self._transport.write(_ANSWERS[dialect])
                return
            if plan[1] == 0:
                self._shrink_buffers()
            self._transport.write(_STREAM_HEAD)
            self._flow = provider.wheel.start(self, *plan, dialects.SCRIPTS[dialect])
        elif target.endswith(b"/models"):
            self._transport.write(_MODELS)
        elif target == b"/stats":
            self._transport.write(_answer(b"200 OK", msgspec.json.encode(provider.counters.as_dict())))
        else:
            self._transport.write(_NOT_FOUND)

    def _shrink_buffers(self) -> None:
        sock = self._transport.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _FLOOD_SEND_BUFFER_BYTES)
        self._transport.set_write_buffer_limits(high=_FLOOD_SEND_BUFFER_BYTES)

    def send_event(self, data: bytes) -> None:
        """Write part of a stream as one chunk (RFC 9112, 7.1)."""
        self._transport.write(b"%x\r\n%b\r\n" % (len(data), data))

    def end(self) -> None:
        """Write the last chunk; the connection stays open."""
        self._flow = None
        self._transport.write(b"0\r\n\r\n")

    def writable(self) -> bool:
        """Whether the socket takes more."""
        return not self._paused

    def pause_writing(self) -> None:
        """The socket takes no more."""
        self._paused = True

    def resume_writing(self) -> None:
        """The socket takes more again."""
        self._paused = False
        if self._flow is not None and self._flow.period_ms == 0:
            self._provider.wheel.pump(self._flow)


class TlsConnection(asyncio.Protocol):
    """A TLS connection, handed to HTTP/1.1 or HTTP/2 as soon as ALPN has chosen."""

    def __init__(self, provider: Provider) -> None:
        self._provider = provider

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The handshake is done."""
        chosen = transport.get_extra_info("ssl_object").selected_alpn_protocol()
        shared = self._provider
        protocol: asyncio.Protocol = (
            Http2Connection(shared.counters, shared.wheel) if chosen == "h2" else Http1Connection(shared)
        )
        cast(asyncio.Transport, transport).set_protocol(protocol)
        protocol.connection_made(transport)


async def serve(certificate: str, key: str) -> None:
    """Serve until the process is ended; prints `{"port", "tls_port"}` when ready."""
    loop = asyncio.get_running_loop()
    provider = Provider(loop)
    plain = await loop.create_server(lambda: Http1Connection(provider), "127.0.0.1", 0, backlog=4096)
    ports = {"port": plain.sockets[0].getsockname()[1]}
    if certificate:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)
        context.set_alpn_protocols(["h2", "http/1.1"])
        tls = await loop.create_server(lambda: TlsConnection(provider), "127.0.0.1", 0, ssl=context, backlog=4096)
        ports["tls_port"] = tls.sockets[0].getsockname()[1]
    sys.stdout.write(msgspec.json.encode(ports).decode() + "\n")
    sys.stdout.flush()
    gc.freeze()
    await asyncio.Event().wait()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--certificate", default="", help="PEM certificate chain; with --key it turns on the TLS port")
    parser.add_argument("--key", default="", help="PEM private key")
    arguments = parser.parse_args()
    uvloop.run(serve(arguments.certificate, arguments.key))


if __name__ == "__main__":
    main()
