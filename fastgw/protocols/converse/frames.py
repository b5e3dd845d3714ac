"""AWS's binary event stream (`application/vnd.amazon.eventstream`), cut into messages.

A message: its length and that of its headers (4 bytes each, big-endian), CRC-32 of these 8 bytes, headers, payload,
CRC-32 of everything before it. A header: length of its name (1 byte), name, type (1 byte), value; type 7 is a string
with its length in 2 bytes (smithy.io/2.0/aws/amazon-eventstream.html, read 2026-11-21).
"""

import struct
import zlib

from fastgw.protocols.hub.dialect import StreamBroken

FRAME_BYTES_MAX = 16 * 1024 * 1024
"""Of one message; the specification allows 24 MB, Bedrock's deltas have some 100 bytes, a picture 5 MB."""
_PRELUDE = struct.Struct(">III")
_OVERHEAD = _PRELUDE.size + 4
_FIXED = {0: 0, 1: 0, 2: 1, 3: 2, 4: 4, 5: 8, 8: 8, 9: 16}
"""Bytes of the value by type, where it has always the same."""
_STRING, _BYTES = 7, 6

Message = tuple[dict[str, str], bytes]
"""Its string headers (`:message-type`, `:event-type`, …) and its payload."""


class FrameCutter:
    """Takes bytes as they come and gives whole messages; the bytes of an unfinished one wait for its end."""

    __slots__ = ("_have", "_heads", "_need", "_pieces")

    def __init__(self) -> None:
        self._pieces: list[bytes] = []
        """The unfinished message: `_have` bytes, joined once `_need` are there, so that a long one costs no more."""
        self._have = 0
        self._need = 0
        self._heads: dict[bytes, dict[str, str]] = {}
        """Headers that were read before: a stream has a handful of different ones."""

    @property
    def empty(self) -> bool:
        """Nothing of an unfinished message is left."""
        return not self._have

    def cut(self, data: bytes) -> list[Message]:
        """The whole messages among what came, maybe none. Raises `StreamBroken`."""
        if self._have:
            self._pieces.append(data)
            self._have += len(data)
            if self._have < self._need:
                return []
            data = b"".join(self._pieces)
        found: list[Message] = []
        start, size = 0, len(data)
        need = _PRELUDE.size
        while size - start >= need:
            length, headers_length, checksum = _PRELUDE.unpack_from(data, start)
            if zlib.crc32(data[start : start + 8]) != checksum:
                raise StreamBroken("the lengths of a message do not fit their checksum")
            if not _OVERHEAD + headers_length <= length <= FRAME_BYTES_MAX:
                raise StreamBroken(f"a message of {length} bytes with {headers_length} of headers makes no sense")
            end = start + length
            if size < end:
                need = length
                break
            if zlib.crc32(data[start : end - 4]) != int.from_bytes(data[end - 4 : end], "big"):
                raise StreamBroken("a message does not fit its checksum")
            body = start + _PRELUDE.size + headers_length
            raw = data[start + _PRELUDE.size : body]
            found.append((self._heads.get(raw) or self._head(raw), data[body : end - 4]))
            start = end
        self._have, self._need = size - start, need
        self._pieces = [data[start:]] if self._have else []
        return found

    def _head(self, raw: bytes) -> dict[str, str]:
        try:
            head = _headers(raw)
        except (IndexError, KeyError, UnicodeDecodeError) as exc:
            raise StreamBroken("the headers of a message make no sense") from exc
        if len(self._heads) < HEADS_MAX:
            self._heads[raw] = head
        return head


HEADS_MAX = 32
"""Different headers that one stream remembers."""


def _headers(raw: bytes) -> dict[str, str]:
    headers: dict[str, str] = {}
    at = 0
    while at < len(raw):
        name_end = at + 1 + raw[at]
        name = raw[at + 1 : name_end].decode("utf-8")
        kind = raw[name_end]
        at = name_end + 1
        if kind in (_STRING, _BYTES):
            length = int.from_bytes(raw[at : at + 2], "big")
            value = raw[at + 2 : at + 2 + length]
            if len(value) < length:
                raise IndexError(name)
            at += 2 + length
            if kind == _STRING:
                headers[name] = value.decode("utf-8")
        else:
            at += _FIXED[kind]
    return headers
