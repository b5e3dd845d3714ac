"""Pictures, sound and files between chat's URLs and the hub's sources."""

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import Source
from fastgw.protocols.hub.media import media_type_of, source_of

_FORMATS = {
    "mpeg": "mp3", "mpga": "mp3", "x-wav": "wav", "wave": "wav", "vnd.wave": "wav", "x-flac": "flac", "mp4": "m4a",
}  # fmt: skip
_TYPES = {"mp3": "audio/mpeg", "m4a": "audio/mp4"}


def source(url: str, path: str) -> Source:
    """Where the bytes behind the URL at `path` are. Raises `GatewayError` (400) for a broken `data:` URL."""
    found = source_of(url)
    if found is None:
        toplevel.refuse(f"'{path}' is no sound data URL. Send 'data:<media type>;base64,<data>'.", path)
    return found


def url(of: Source, fallback: str) -> str:
    """A source that is a URL or inline, as a URL. `fallback` is the media type when neither sender nor bytes tell."""
    return f"data:{media_type_of(of) or fallback};base64,{of.data}" if of.data else of.url


def audio_type(wire_format: str) -> str:
    """The media type of chat's `format`."""
    return _TYPES.get(wire_format, f"audio/{wire_format}")


def audio_format(of: Source) -> str:
    """Chat's `format` of a sound; `wav` when nobody said."""
    subtype = media_type_of(of).partition("/")[2].partition(";")[0]
    return _FORMATS.get(subtype, subtype) or "wav"
