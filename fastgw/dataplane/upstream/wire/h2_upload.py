"""Request bodies that the peer's flow-control windows did not take at once, sent on as the windows open.

Bounds: at most one body per stream, and not more than a piece of them in the socket's buffer at a time.
"""

from collections import deque

from fastgw.dataplane.upstream.wire.h2_parser import Parser
from fastgw.dataplane.upstream.wire.h2_stream import Http2Exchange


class Uploads:
    """The unfinished bodies of one connection, served in turn so that none holds up the others."""

    def __init__(self, parser: Parser) -> None:
        self._parser = parser
        self._waiting: deque[Http2Exchange] = deque()

    def __len__(self) -> int:
        return len(self._waiting)

    def add(self, stream: Http2Exchange) -> None:
        """Queue a stream whose head was sent and whose body was not finished."""
        self._waiting.append(stream)

    def drop(self, stream: Http2Exchange) -> None:
        """Forget a stream that has ended."""
        if self._waiting and stream in self._waiting:
            self._waiting.remove(stream)

    def send(self, bytes_max: int) -> int:
        """Hand the parser up to about `bytes_max` bytes, as far as the windows allow; how many it took."""
        taken = 0
        blocked = 0
        while self._waiting and taken < bytes_max and blocked < len(self._waiting):
            stream = self._waiting.popleft()
            size = send_some(self._parser, stream)
            if stream.body_sent < len(stream.request.body):
                self._waiting.append(stream)
            blocked = 0 if size else blocked + 1
            taken += size
        return taken


def send_some(parser: Parser, stream: Http2Exchange) -> int:
    """Hand the parser one DATA frame of the stream's body, as large as windows and frame size allow; its size."""
    body = stream.request.body
    start = stream.body_sent
    size = min(len(body) - start, parser.local_flow_control_window(stream.stream_id), parser.max_outbound_frame_size)
    if size <= 0:
        return 0
    end = start + size
    parser.send_data(stream.stream_id, body[start:end], end_stream=end == len(body))
    stream.body_sent = end
    # The wait for the head begins with the last byte; a body that is stuck half-way has the same time for each step.
    stream.sent_all()
    return size
