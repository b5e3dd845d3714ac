"""Media in a conversation: `data:` URLs, what bytes are, and what must be fetched before a provider can see it.

Nothing is fetched here; `fastgw.dataplane.upstream.fetch` does that between `wanted` and `with_fetched`.
"""

import base64
import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote_to_bytes

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Document, Image, Part, Source, ToolResult, Turn
from fastgw.protocols.hub.target import Abilities

DATA_URL_CHARS_MAX = 32 * 1024 * 1024
"""Of a whole `data:` URL; no request body is larger."""
SNIFF_BYTES = 32
"""As many bytes from the start of a medium as `sniff` looks at."""

_HEAD_CHARS_MAX = 1_024
_MEDIA_TYPE = re.compile(r"[A-Za-z0-9!#$&^_.+-]{1,127}/[A-Za-z0-9!#$&^_.+-]{1,127}")
_BASE64 = re.compile(r"[A-Za-z0-9+/]*={0,2}")
_BASE64_LOOSE = re.compile(r"[A-Za-z0-9+/_\-\s]*={0,2}\s*")
_SPACE = re.compile(r"\s+")
_URL_SAFE = str.maketrans("-_", "+/")
_SPELLINGS = {"image/jpg": "image/jpeg", "image/pjpeg": "image/jpeg", "audio/x-wav": "audio/wav"}

_STARTS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"BM", "image/bmp"),
    (b"II*\x00", "image/tiff"),
    (b"MM\x00*", "image/tiff"),
    (b"%PDF-", "application/pdf"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"OggS", "audio/ogg"),
    (b"\x1aE\xdf\xa3", "video/webm"),
)
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav", b"AVI ": "video/x-msvideo"}
_FTYP = {
    b"heic": "image/heic",
    b"heix": "image/heic",
    b"mif1": "image/heif",
    b"avif": "image/avif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"qt  ": "video/quicktime",
}


def source_of(url: str) -> Source | None:
    """Where the bytes of a URL are: in itself (`data:`), or there. None: a broken `data:` URL, to be refused."""
    return parse_data_url(url) if url[:5].lower() == "data:" else Source(url=url)


def parse_data_url(url: str) -> Source | None:
    """Bytes and media type of a `data:` URL (RFC 2397), base64 or percent-encoded; None if it is no sound one.

    Base64 stays as it was sent, unless it has blanks, percent signs, the URL-safe alphabet or no padding: then it is
    mended. The media type is lower-case and without parameters; empty when the URL names none.
    """
    if url[:5].lower() != "data:" or len(url) > DATA_URL_CHARS_MAX:
        return None
    comma = url.find(",", 5, _HEAD_CHARS_MAX)
    if comma < 0:
        return None
    said, *parameters = (field.strip() for field in url[5:comma].split(";"))
    if said and not _MEDIA_TYPE.fullmatch(said):
        return None
    if not (parameters and parameters[-1].lower() == "base64"):
        data = base64.b64encode(unquote_to_bytes(url[comma + 1 :])).decode()
    elif (sound := _sound_base64(url[comma + 1 :])) is None:
        return None
    else:
        data = sound
    return Source(media_type=said.lower(), data=data)


def media_type_of(source: Source) -> str:
    """What a medium is, as today's providers spell it: as was said, else as its first bytes tell, else empty."""
    if source.media_type:
        return _SPELLINGS.get(source.media_type.lower(), source.media_type)
    try:
        return sniff(base64.b64decode(source.data[: SNIFF_BYTES // 3 * 4]))
    except ValueError:
        return ""


def sniff(prefix: bytes) -> str:
    """The media type that the first `SNIFF_BYTES` of a picture, PDF, sound or film give away; empty if none."""
    for start, media_type in _STARTS:
        if prefix.startswith(start):
            return media_type
    if prefix[:4] == b"RIFF":
        return _RIFF.get(prefix[8:12], "")
    if prefix[4:8] == b"ftyp":
        return _FTYP.get(prefix[8:12], "video/mp4")
    if len(prefix) > 1 and prefix[0] == 0xFF and prefix[1] & 0xE0 == 0xE0:
        # An MPEG audio frame: the layer bits are 0 in AAC's ADTS, and 01 (layer III) in MP3.
        return {0: "audio/aac", 2: "audio/mpeg"}.get(prefix[1] & 0x06, "")
    return ""


_MEDIA = (Image, Document)
_SHOWING = frozenset((Image, Document, ToolResult))
"""Parts that are a medium or may hold one."""


def wanted(conversation: Conversation, abilities: Abilities) -> tuple[str, ...]:
    """The http(s) URLs, each once, in order, of pictures and documents that the lane cannot fetch itself."""
    urls: dict[str, None] = {}
    # By class: most histories have thousands of words and calls, and no media.
    showing = [part for turn in conversation.turns for part in turn.parts if part.__class__ in _SHOWING]
    for medium in _media(showing):
        fetches = abilities.image_url if isinstance(medium, Image) else abilities.document_url
        if not fetches and medium.source.url[:8].lower().startswith(("http://", "https://")):
            urls[medium.source.url] = None
    return tuple(urls)


def with_fetched(conversation: Conversation, fetched: Mapping[str, Source]) -> Conversation:
    """The same question with every picture and document whose URL was fetched replaced by its bytes."""
    if not fetched:
        return conversation
    return msgspec.structs.replace(
        conversation, turns=tuple(_filled_turn(turn, fetched) for turn in conversation.turns)
    )


def _sound_base64(text: str) -> str | None:
    if "%" in text:
        text = unquote_to_bytes(text).decode("latin-1")
    if len(text) % 4 or not _BASE64.fullmatch(text):
        if not _BASE64_LOOSE.fullmatch(text):
            return None
        text = _SPACE.sub("", text).translate(_URL_SAFE).rstrip("=")
        return None if len(text) % 4 == 1 else text + "=" * (-len(text) % 4)
    return text


def _media(parts: Iterable[Part]) -> Iterator[Image | Document]:
    for part in parts:
        if isinstance(part, _MEDIA):
            yield part
        elif isinstance(part, ToolResult):
            yield from _media(part.parts)


def _filled_turn(turn: Turn, fetched: Mapping[str, Source]) -> Turn:
    if not any(part.source.url in fetched for part in _media(turn.parts)):
        return turn
    return msgspec.structs.replace(turn, parts=tuple(_filled(part, fetched) for part in turn.parts))


def _filled(part: Part, fetched: Mapping[str, Source]) -> Part:
    if isinstance(part, _MEDIA) and part.source.url in fetched:
        return msgspec.structs.replace(part, source=fetched[part.source.url])
    if isinstance(part, ToolResult):
        inner = tuple(_filled(inner, fetched) for inner in part.parts)
        return msgspec.structs.replace(part, parts=inner)
    return part
