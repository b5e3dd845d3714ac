"""Parts of a turn as content of a message, or of what a tool answered."""

from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Audio, Cache, Document, Image, Source, Text, Video
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.media import media_type_of
from fastgw.protocols.hub.target import Abilities

Medium = Image | Document | Audio | Video
_BREAKPOINT = {"mode": "explicit"}
_EXTENSIONS = {"application/pdf": "pdf", "text/plain": "txt", "text/html": "html", "text/markdown": "md"}
_KNOWN_DETAILS = frozenset(("low", "high", "auto", "original"))


class Parts:
    """Encodes the parts of one request, and remembers what of them could not be said."""

    def __init__(self, abilities: Abilities, losses: Losses, path: str, *, own: bool, own_files: bool) -> None:
        """`path`: the caller's field that holds the parts; `own`: the question was asked in this dialect; `own_files`:
        ids of its files are this dialect's too."""
        self._abilities = abilities
        self._losses = losses
        self._path = path
        self._own = own
        self._own_files = own_files
        self.breakpoint_lost = False

    def text(self, part: Text) -> dict[str, Any]:
        """Words to the model."""
        return self._cached({"type": "input_text", "text": part.text}, part.cache)

    def medium(self, part: Medium) -> list[dict[str, Any]]:
        """A picture, document or sound, with the words that belong to it. Raises `GatewayError` (400)."""
        match part:
            case Image():
                return [self._image(part)]
            case Document():
                return self._document(part)
            case Audio() if self._own:
                sound = {"data": part.source.data, "format": part.source.media_type.removeprefix("audio/")}
                return [{"type": "input_audio", "input_audio": sound}]
            case Audio():
                self._losses.refuse(self._path, "it takes no sound. Send a transcript, or ask another model.")
            case Video():
                self._losses.refuse(self._path, "it takes no films. Send pictures, or ask another model.")

    def forget(self, cache: Cache | None) -> None:
        """A breakpoint stands where this dialect has none."""
        if cache is not None:
            self.breakpoint_lost = True

    def _image(self, part: Image) -> dict[str, Any]:
        if not self._abilities.image_input:
            self._losses.refuse(self._path, "it takes no pictures. Ask another model.")
        made = {"type": "input_image"} | self._where(part.source, "image_url", self._abilities.image_url)
        detail = part.detail if self._own or part.detail in _KNOWN_DETAILS else "auto"
        if detail:
            made["detail"] = detail
        return self._cached(made, part.cache)

    def _document(self, part: Document) -> list[dict[str, Any]]:
        if part.citations:
            self._losses.drop(f"{self._path}.citations")
        about = [{"type": "input_text", "text": part.context}] if part.context else []
        if part.text is not None:
            text = f"{part.filename}\n\n{part.text}" if part.filename else part.text
            return [*about, self._cached({"type": "input_text", "text": text}, part.cache)]
        if not self._abilities.document_input:
            self._losses.refuse(self._path, "it takes no documents. Send their text, or ask another model.")
        made = {"type": "input_file"} | self._where(part.source, "file_url", self._abilities.document_url)
        if part.filename:
            made["filename"] = part.filename
        elif "file_data" in made and not self._own:
            # OpenAI takes no file data without a name (API reference, 2026-08).
            made["filename"] = f"document.{_EXTENSIONS.get(media_type_of(part.source), 'pdf')}"
        return [*about, self._cached(made, part.cache)]

    def _where(self, source: Source, url_field: str, fetches: bool) -> dict[str, Any]:
        if source.data:
            field = "file_data" if url_field == "file_url" else url_field
            if self._own and not source.media_type and field == "file_data":
                return {field: source.data}
            media_type = media_type_of(source) or ("application/pdf" if field == "file_data" else "image/png")
            return {field: f"data:{media_type};base64,{source.data}"}
        if source.file_id:
            if not self._own_files:
                self._losses.refuse(self._path, "it has no such file. Send the file itself.")
            return {"file_id": source.file_id}
        if not fetches or not source.url.startswith(("http://", "https://")):
            self._losses.refuse(self._path, "it cannot fetch this URL. Send the bytes as base64.")
        return {url_field: source.url}

    def _cached(self, made: dict[str, Any], cache: Cache | None) -> dict[str, Any]:
        if cache is not None:
            if self._abilities.cache_control:
                made["prompt_cache_breakpoint"] = _BREAKPOINT
            else:
                self.breakpoint_lost = True
        return made


def output_text(part: Text) -> dict[str, Any]:
    """Words of the model, replayed with their citations."""
    notes = [msgspec.Raw(one.raw.encode()) for one in part.citations if one.raw]
    return {"type": "output_text", "text": part.text, "annotations": notes}
