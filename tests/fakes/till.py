"""What the fakes of payment providers share: an HTTP API over a socket, and notices that are sent until accepted."""

import http.client
import json
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import urlsplit

PATIENCE_S = 15.0

Reply = tuple[int, Any]
"""A status, and what is sent as JSON (bytes go as they are)."""
Sent = tuple[list[tuple[bytes, bytes]], bytes]
"""Headers and body of a notice."""


@dataclass
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes

    @property
    def json(self) -> Any:
        """The body, decoded."""
        return json.loads(self.body)


class Till:
    """`with Till() as till:`. A subclass answers in `serve`; `till.url` goes into the settings."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.troubles: deque[Reply | None] = deque()
        """What the next requests get instead of an answer; None: the connection is cut after the work is done."""
        self.lock = threading.RLock()
        till = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                till._handle(self)

            def do_POST(self) -> None:
                till._handle(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)

    @property
    def url(self) -> str:
        """What goes into `base_url`."""
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(PATIENCE_S)

    def forget(self) -> None:
        """Drop what it holds and what it was asked."""
        self.asked.clear()
        self.troubles.clear()

    def serve(self, asked: Asked) -> Reply:
        """The answer of the provider."""
        raise AssertionError("a subclass answers")

    def _handle(self, handler: BaseHTTPRequestHandler) -> None:
        length = int(handler.headers.get("content-length") or 0)
        headers = {name.lower(): value for name, value in handler.headers.items()}
        asked = Asked(handler.command, handler.path, headers, handler.rfile.read(length))
        with self.lock:
            self.asked.append(asked)
            trouble = self.troubles.popleft() if self.troubles else (0, None)
            status, said = trouble if trouble and trouble[0] else self.serve(asked)
        if trouble is None:
            handler.close_connection = True
            handler.connection.close()
            return
        data = said if isinstance(said, bytes) else json.dumps(said).encode()
        handler.send_response(status)
        handler.send_header("content-type", "application/json")
        handler.send_header("content-length", str(len(data)))
        if 300 <= status < 400:
            handler.send_header("location", self.url + "/elsewhere")
        handler.end_headers()
        handler.wfile.write(data)


def deliver(url: str, sent: Sent, tries: int = 3) -> list[int]:
    """Send a notice as providers do, again until it is accepted; the statuses that came back."""
    target = urlsplit(url)
    statuses: list[int] = []
    for _ in range(tries):
        connection = http.client.HTTPConnection(target.hostname or "", target.port, timeout=PATIENCE_S)
        try:
            headers, body = sent
            pairs = {name.decode(): value.decode() for name, value in headers}
            connection.request("POST", target.path, body, {"content-type": "application/json", **pairs})
            statuses.append(connection.getresponse().status)
        finally:
            connection.close()
        if 200 <= statuses[-1] < 300:
            break
    return statuses


class Receiver(Till):
    """An address for notices: each goes to `take(headers, body) -> status`."""

    def __init__(self, take: Callable[[list[tuple[bytes, bytes]], bytes], int]) -> None:
        super().__init__()
        self._take = take

    def serve(self, asked: Asked) -> Reply:
        """The status that `take` returns."""
        headers = [(name.encode(), value.encode()) for name, value in asked.headers.items()]
        return self._take(headers, asked.body), b"said"
