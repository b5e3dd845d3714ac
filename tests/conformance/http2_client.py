"""A client of HTTP/2 that can do what httpx cannot: leave one stream and keep the connection."""

import json
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from typing import Any, Self
from urllib.parse import urlsplit

import h2.config
import h2.connection
import h2.events
from h2.errors import ErrorCodes

PATIENCE_S = 20.0


class Http2Client:
    """One connection; streams are known by their id. It reads only inside `until`."""

    def __init__(self, url: str, headers: Mapping[str, str], *, ca_file: str = "") -> None:
        parts = urlsplit(url)
        assert parts.hostname is not None
        self._authority = parts.netloc
        self._scheme = parts.scheme
        self._headers = list(headers.items())
        self._line: socket.socket = socket.create_connection((parts.hostname, parts.port or 443))
        if parts.scheme == "https":
            context = ssl.create_default_context(cafile=ca_file)
            context.set_alpn_protocols(["h2"])
            self._line = context.wrap_socket(self._line, server_hostname=parts.hostname)
        self._h2 = h2.connection.H2Connection(h2.config.H2Configuration(header_encoding="utf-8"))
        self._bodies: dict[int, bytes] = {}
        self._ended: set[int] = set()
        self._h2.initiate_connection()
        self._flush()

    def post(self, body: dict[str, Any]) -> int:
        """Ask for a chat completion; the result is the stream's id."""
        stream = self._h2.get_next_available_stream_id()
        head = [
            (":method", "POST"),
            (":scheme", self._scheme),
            (":authority", self._authority),
            (":path", "/v1/chat/completions"),
            ("content-type", "application/json"),
            *self._headers,
        ]
        self._h2.send_headers(stream, head)
        self._h2.send_data(stream, json.dumps(body).encode(), end_stream=True)
        self._flush()
        return stream

    def reset(self, stream: int) -> None:
        """Leave a stream: RST_STREAM with CANCEL, as browsers and SDKs do."""
        self._h2.reset_stream(stream, ErrorCodes.CANCEL)
        self._flush()

    def body(self, stream: int) -> bytes:
        """What has come of the answer."""
        return self._bodies.get(stream, b"")

    def ended(self, stream: int) -> bool:
        """Whether the answer is whole."""
        return stream in self._ended

    def until(self, condition: Callable[[], bool]) -> None:
        """Read until `condition` holds."""
        deadline = time.monotonic() + PATIENCE_S
        self._line.settimeout(PATIENCE_S)
        while not condition():
            assert time.monotonic() < deadline
            data = self._line.recv(65_536)
            assert data, "the gateway closed the connection"
            for event in self._h2.receive_data(data):
                self._take(event)
            self._flush()

    def _take(self, event: h2.events.Event) -> None:
        match event:
            case h2.events.DataReceived():
                self._bodies[event.stream_id] = self.body(event.stream_id) + event.data
                self._h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.StreamEnded():
                self._ended.add(event.stream_id)
            case h2.events.StreamReset():
                raise AssertionError(f"the gateway reset stream {event.stream_id}: {event.error_code}")

    def _flush(self) -> None:
        self._line.sendall(self._h2.data_to_send())

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._line.close()
