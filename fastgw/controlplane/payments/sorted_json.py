"""JSON with the keys of every object sorted and everything else as it came: what NOWPayments signs.

Numbers are kept letter for letter: read and written again, `0.10` or `1e-7` would be other bytes than those signed.
"""

import enum

import msgspec

DEPTH_MAX = 16
"""Of objects and lists within each other; a notice has two."""

VALUES_MAX = 300
"""In all; a notice has about 30. It is sorted on the event loop, before anybody knows who sent it."""


class Lists(enum.Enum):
    """What becomes of lists. The vendor's sample code sorts them as if they were objects (`{"0":…}`); other code that
    verifies these notices leaves them alone."""

    KEPT = "kept"
    NUMBERED = "numbered"


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Encoder().encode


def sorted_json(body: bytes, lists: Lists) -> bytes:
    """`body`, an object, with sorted keys and without white space between. Raises `ValueError` if it is none, is too
    deep, or has too many values."""
    try:
        return _Sorting(lists).object(body, DEPTH_MAX)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("this is no JSON object") from error


class _Sorting:
    def __init__(self, lists: Lists) -> None:
        self._lists = lists
        self._left = VALUES_MAX

    def object(self, body: bytes, depth: int) -> bytes:
        if depth == 0:
            raise ValueError("this JSON is too deep")
        fields = _fields(body)
        self._take(len(fields))
        written = (_text(key) + b":" + self._value(bytes(fields[key]), depth - 1) for key in sorted(fields))
        return b"{" + b",".join(written) + b"}"

    def _value(self, raw: bytes, depth: int) -> bytes:
        if raw.startswith(b"{"):
            return self.object(raw, depth)
        if not raw.startswith(b"["):
            return raw
        if depth == 0:
            raise ValueError("this JSON is too deep")
        found = _items(raw)
        self._take(len(found))
        items = [self._value(bytes(item), depth - 1) for item in found]
        if self._lists is Lists.KEPT:
            return b"[" + b",".join(items) + b"]"
        return b"{" + b",".join(b'"%d":%b' % numbered for numbered in enumerate(items)) + b"}"

    def _take(self, count: int) -> None:
        self._left -= count
        if self._left < 0:
            raise ValueError("this JSON has too many values")
