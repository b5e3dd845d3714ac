"""Events of a stream as bytes, numbered, and the life that every item of an answer has in common."""

from collections.abc import Callable

import msgspec

from fastgw.protocols.hub.sealed import Sealed

_encode = msgspec.json.Encoder().encode


class Frames:
    """Numbers the events of one stream, densely from 0."""

    __slots__ = ("number", "silent")

    def __init__(self, *, silent: bool = False) -> None:
        self.number = 0
        """Of the next event."""
        self.silent = silent
        """No event is made: the answer is wanted as a whole."""

    def say(self, kind: str, body: bytes) -> bytes:
        """One event; `body` are its fields besides type and number, without braces."""
        if self.silent:
            return b""
        number = self.number
        self.number = number + 1
        return b'event: %b\ndata: {"type":"%b",%b,"sequence_number":%d}\n\n' % (
            kind.encode(),
            kind.encode(),
            body,
            number,
        )

    def head(self, kind: str, body: bytes) -> Callable[[str], bytes]:
        """What says the deltas of one part: its words are all that changes between them."""
        if self.silent:
            return _nothing
        before = b'event: %b\ndata: {"type":"%b",%b,"sequence_number":' % (kind.encode(), kind.encode(), body)

        def delta(text: str) -> bytes:
            number = self.number
            self.number = number + 1
            return b'%b%d,"delta":%b}\n\n' % (before, number, _encode(text))

        return delta


def _nothing(text: str) -> bytes:
    return b""


class Item:
    """One item of the output. The life of it: `begin`, blocks of `start`, `delta`s and `stop`, then `whole`."""

    def __init__(self, frames: Frames, item_id: str, index: int) -> None:
        self.frames = frames
        self.id = item_id
        self.at = _encode({"item_id": item_id, "output_index": index})[1:-1]
        """Where events of its parts are, as fields."""
        self.index = index
        self.delta: Callable[[str], bytes] = self.nothing

    def whole(self, status: str) -> bytes:
        """The item as it stands; `status` is `in_progress`, `completed` or `incomplete`."""
        raise AssertionError  # each kind has its own

    def begin(self) -> bytes:
        """Announce it."""
        if self.frames.silent:
            return b""
        body = b'"output_index":%d,"item":%b' % (self.index, self.whole("in_progress"))
        return self.frames.say("response.output_item.added", body)

    def stop(self) -> bytes:
        """A block has ended."""
        return b""

    def done(self, whole: bytes) -> bytes:
        """The event of its end. `whole` is the item."""
        body = b'"output_index":%d,"item":%b' % (self.index, whole)
        return self.frames.say("response.output_item.done", body)

    def seal(self, sealed: Sealed) -> None:
        """A seal of the current block."""

    def nothing(self, text: str) -> bytes:
        """No words belong here."""
        return b""
