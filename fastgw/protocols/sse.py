"""Server-sent events (WHATWG HTML standard, section 9.2, 2026-08) as bytes: cut into whole events, and read.

Lines end in LF, CRLF or CR, events in an empty line, `data:` may lack its space, comments and a byte order mark are
passed over.
"""

import re

from fastgw.protocols.hub.dialect import StreamBroken

CARRY_BYTES_MAX = 8 * 1024 * 1024
"""Bound of one event (an image in a delta is the largest known); a longer one makes the stream a broken one."""
CARRY_BYTES_JOINED = 64 * 1024
"""From this size on an unfinished event is kept in pieces: to join and search it again with each read is quadratic."""

_WHOLE = (b"\n\n", b"\r\n\r\n")
"""Ends of what has nothing unfinished behind it."""
_EVENT_END = re.compile(rb"\r\n\r\n|\n\n|\r\r|\n\r\n|\r\n\n")
_DATA_LINES = re.compile(rb"^data:[ ]?(.*)$", re.MULTILINE)
_NAME_LINE = re.compile(rb"^event:[ ]?(.*)$", re.MULTILINE)


class EventCutter:
    """Takes bytes as they come and gives whole events; the bytes of an unfinished one wait for its end."""

    __slots__ = ("_carry", "_pieces", "_pieces_bytes")

    def __init__(self) -> None:
        self._carry = b""
        self._pieces: list[bytes] = []
        """What follows `_carry`, each piece without an event's end, together `_pieces_bytes`."""
        self._pieces_bytes = 0

    def cut(self, data: bytes) -> bytes:
        """The whole events among what came, maybe none. Raises `StreamBroken` for one without end."""
        if self._carry:
            if len(self._carry) > CARRY_BYTES_JOINED and self._keep_piece(data):
                return b""
            data = self.left() + data
        if data.endswith(_WHOLE):
            return data
        end = max(_behind_last(data, b"\n\n"), _behind_last(data, b"\r\n\r\n"), _behind_last(data, b"\r\r"))
        if len(data) - end > CARRY_BYTES_MAX:
            raise StreamBroken(f"an event is longer than {CARRY_BYTES_MAX} bytes")
        self._carry = data[end:]
        return data[:end]

    def left(self) -> bytes:
        """The bytes of the unfinished event, which are given away."""
        left = b"".join((self._carry, *self._pieces)) if self._pieces else self._carry
        self._carry = b""
        self._pieces.clear()
        self._pieces_bytes = 0
        return left

    def _keep_piece(self, data: bytes) -> bool:
        """Put `data` behind a long unfinished event unless it brings its end."""
        # An end may have begun up to three bytes before.
        window = b"".join((self._carry[-3:], *self._pieces[-3:]))[-3:] + data
        if b"\n\n" in window or b"\r\n\r\n" in window or b"\r\r" in window:
            return False
        if len(self._carry) + self._pieces_bytes + len(data) > CARRY_BYTES_MAX:
            raise StreamBroken(f"an event is longer than {CARRY_BYTES_MAX} bytes")
        self._pieces.append(data)
        self._pieces_bytes += len(data)
        return True


def split_events(data: bytes) -> list[bytes]:
    """Whole events, each with the empty line that ends it; their concatenation is `data`."""
    events: list[bytes] = []
    start = 0
    for end in _EVENT_END.finditer(data):
        events.append(data[start : end.end()])
        start = end.end()
    if start < len(data):
        events.append(data[start:])
    return events


def payload(event: bytes) -> bytes:
    """The data of one event, its lines joined by LF; b"" for a comment."""
    if event.startswith(b"data: ") and event.count(b"\n") == 2 and event.endswith(b"\n\n") and b"\r" not in event:
        return event[6:-2]
    return b"\n".join(_DATA_LINES.findall(_lines(event)))


def named(event: bytes) -> bytes:
    """The name of one event, b"" if it has none."""
    found = _NAME_LINE.search(_lines(event))
    return found[1] if found else b""


def payloads(data: bytes) -> list[bytes]:
    """The data of each whole event in `data`; comments and empty ones are left out."""
    if b"\r" in data:
        data = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    found: list[bytes] = []
    for event in data.split(b"\n\n"):
        if event.startswith(b"data: ") and b"\n" not in event:
            found.append(event[6:])
        elif event.startswith(b"event: ") and (at := event.find(b"\ndata: ")) > 0 and event.find(b"\n", at + 7) < 0:
            found.append(event[at + 7 :])
        elif event and (content := payload(event)):
            found.append(content)
    return found


def _lines(event: bytes) -> bytes:
    return event.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _behind_last(data: bytes, mark: bytes) -> int:
    at = data.rfind(mark)
    return 0 if at < 0 else at + len(mark)
