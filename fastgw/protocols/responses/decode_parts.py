"""Parts of a message, or of what a tool answered, as parts of a turn."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import (
    Audio,
    Cache,
    Citation,
    Document,
    Image,
    Part,
    Refused,
    Source,
    Text,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.media import source_of
from fastgw.protocols.responses import wire

DIALECT = "responses"
_CACHE = Cache()
_ANSWERS = (Text, Image, Document, Audio)
"""Parts that a tool may answer."""


class _Annotation(msgspec.Struct):
    type: str = ""
    url: str = ""
    title: str = ""
    filename: str = ""
    start_index: int = 0
    end_index: int = 0


_annotation = msgspec.json.Decoder(_Annotation)


def content_parts(content: wire.Content, path: str, losses: Losses) -> tuple[Part, ...]:
    """Of a message. Raises `GatewayError` (400) for what is no such part."""
    if isinstance(content, str):
        return (Text(content),)
    return tuple(_part(part, f"{path}[{number}]", losses) for number, part in enumerate(content))


def result_parts(content: wire.Content, path: str, losses: Losses) -> tuple[Text | Image | Document | Audio, ...]:
    """Of what a tool answered; a refusal has no place there."""
    parts: list[Text | Image | Document | Audio] = []
    for number, part in enumerate(content_parts(content, path, losses)):
        if not isinstance(part, _ANSWERS):
            toplevel.refuse(f"Invalid value at '{path}[{number}]': a tool cannot answer this.", f"{path}[{number}]")
        parts.append(part)
    return tuple(parts)


def citation(raw: bytes | msgspec.Raw) -> Citation:
    """An annotation, kept as it came for a replay. Of a broken one only that remains."""
    text = bytes(raw).decode("utf-8", "replace")
    try:
        said = _annotation.decode(raw)
    except msgspec.MsgspecError:
        return Citation("opaque", dialect=DIALECT, raw=text)
    if said.type == "url_citation":
        return Citation(
            "url", said.url, said.title, start=said.start_index, end=said.end_index, dialect=DIALECT, raw=text
        )
    if said.type in {"file_citation", "container_file_citation"}:
        return Citation("file", title=said.filename, dialect=DIALECT, raw=text)
    return Citation("opaque", dialect=DIALECT, raw=text)


def _part(part: wire.Part, path: str, losses: Losses) -> Part:  # noqa: PLR0911  one arm for each type
    match part:
        case wire.InputText():
            return Text(part.text, cache=_cache(part.prompt_cache_breakpoint))
        case wire.PlainText():
            return Text(part.text)
        case wire.OutputText():
            if part.logprobs:
                losses.drop(f"{path}.logprobs")
            return Text(part.text, citations=tuple(citation(raw) for raw in part.annotations or ()))
        case wire.Refusal():
            return Refused(part.refusal)
        case wire.InputImage():
            source = _source(part.image_url, part.file_id, path, "image_url")
            return Image(source, part.detail or "", _cache(part.prompt_cache_breakpoint))
        case wire.InputFile():
            if part.detail:
                losses.drop(f"{path}.detail")
            return _document(part, path)
        case wire.InputAudio():
            return Audio(Source(media_type=f"audio/{part.input_audio.format}", data=part.input_audio.data))


def _document(part: wire.InputFile, path: str) -> Document:
    if part.file_data and part.file_data[:5].lower() != "data:":
        source = Source(data=part.file_data)
    else:
        source = _source(part.file_data or part.file_url, part.file_id, path, "file_data")
    return Document(source, part.filename or "", cache=_cache(part.prompt_cache_breakpoint))


def _source(url: str | None, file_id: str | None, path: str, name: str) -> Source:
    if url:
        source = source_of(url)
        if source is None:
            toplevel.refuse(f"Invalid value at '{path}.{name}': this is no sound data URL.", f"{path}.{name}")
        return source
    if not file_id:
        toplevel.refuse(f"Missing required parameter: '{path}.{name}'.", f"{path}.{name}")
    return Source(file_id=file_id)


def _cache(given: wire.Breakpoint | None) -> Cache | None:
    return None if given is None else _CACHE
