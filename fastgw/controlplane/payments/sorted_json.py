"""JSON with the keys of every object sorted and everything else as it came: what NOWPayments signs.

Numbers are kept letter for letter: read and written again, `0.10` or `1e-7` would be other bytes than those signed.
"""

import enum

import msgspec

DEPTH_MAX = 16
"""Of objects and lists within each other; a notice has two."""


class Lists(enum.Enum):
    """What becomes of lists. The vendor's sample code sorts them as if they were objects (`{"0":…}`); other code that
    verifies these notices leaves them alone."""

    KEPT = "kept"
    NUMBERED = "numbered"


_fields = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_items = msgspec.json.Decoder(list[msgspec.Raw]).decode
_text = msgspec.json.Encoder().encode


def sorted_json(body: bytes, lists: Lists) -> bytes:
    """`body`, an object, with sorted keys and without white space between. Raises `ValueError` if it is none."""
    try:
        return _object(body, lists, DEPTH_MAX)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError("this is no JSON object") from error


def _object(body: bytes, lists: Lists, depth: int) -> bytes:
    if depth == 0:
        raise ValueError("this JSON is too deep")
    fields = _fields(body)
    written = (_text(key) + b":" + _value(bytes(fields[key]), lists, depth - 1) for key in sorted(fields))
    return b"{" + b",".join(written) + b"}"


def _value(raw: bytes, lists: Lists, depth: int) -> bytes:
    if raw.startswith(b"{"):
        return _object(raw, lists, depth)
    if not raw.startswith(b"["):
        return raw
    if depth == 0:
        raise ValueError("this JSON is too deep")
    items = [_value(bytes(item), lists, depth - 1) for item in _items(raw)]
    if lists is Lists.KEPT:
        return b"[" + b",".join(items) + b"]"
    return b"{" + b",".join(b'"%d":%b' % numbered for numbered in enumerate(items)) + b"}"
