"""The gateway's own count of a prompt, in any caller's dialect: an estimate from its text, for who asks how long it is.

Text counts a token for four bytes of UTF-8 (English has about four, Chinese about one and a half characters of three
bytes), each message four for its frame (OpenAI's cookbook, "how to count tokens", 2026-08, has three to four), schemas
as their JSON text. Media cannot be measured without decoding them and count a fixed amount each, typical of the vendor
whose dialect is spoken:

- an image 1,600 at Anthropic (width x height / 750 with at most about 1.2 megapixels; docs, vision), 765 at OpenAI
  (1024 x 1024 in high detail, 85 in low; docs, images), 258 at Google (one tile; docs, token counting);
- a document 3,000 (Anthropic counts 1,500 to 3,000 a page; docs, pdf support);
- sound or video 1,000 (about half a minute at Google's 32 tokens a second of sound).

Ids, seals and names of types are not text that a model reads, and count nothing. All sources as of 2026-08.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.dialect import Fields

BYTES_PER_TOKEN = 4
MESSAGE_TOKENS = 4
IMAGE_TOKENS = {"messages": 1_600, "gemini": 258}
IMAGE_TOKENS_OPENAI = 765
IMAGE_TOKENS_LOW = 85
DOCUMENT_TOKENS = 3_000
SOUND_TOKENS = 1_000

_PROSE = ("messages", "system", "input", "instructions", "contents", "systemInstruction", "system_instruction")
_SCHEMAS = ("tools", "functions", "response_format", "text", "output_config", "output_format")
_WRAPPED = ("generateContentRequest", "generate_content_request")

_MUTE = frozenset(
    {
        "cache_control",
        "call_id",
        "detail",
        "encrypted_content",
        "id",
        "media_type",
        "mimeType",
        "mime_type",
        "phase",
        "role",
        "signature",
        "status",
        "thoughtSignature",
        "thought_signature",
        "tool_call_id",
        "tool_use_id",
        "type",
    }
)
_VALUES = frozenset({"args", "response", "arguments", "input"})
"""Objects that a model reads as JSON text."""
_IMAGES = frozenset({"image", "image_url", "input_image"})
_DOCUMENTS = frozenset({"document", "file", "input_file"})
_SOUNDS = frozenset({"input_audio", "audio", "video", "video_url"})
_GOOGLE_MEDIA = ("inlineData", "inline_data", "fileData", "file_data")


def prompt_tokens(fields: Fields, dialect: str) -> int:
    """About how many tokens the prompt in `fields` has; 1 or more. Takes about 2 ms for a megabyte."""
    counter = _Counter(dialect)
    for name in _WRAPPED:
        if name in fields:
            fields = fields | _object(fields[name])
    for name in _PROSE:
        if name in fields:
            counter.read(fields[name])
    for name in _SCHEMAS:
        if name in fields:
            counter.text_bytes += len(bytes(fields[name]))
    return max(1, counter.tokens + -(-counter.text_bytes // BYTES_PER_TOKEN))


def _object(raw: msgspec.Raw) -> Fields:
    try:
        return msgspec.json.decode(raw, type=Fields)
    except msgspec.ValidationError:
        return {}


class _Counter:
    """Walks decoded JSON without recursion: its depth is the caller's, and so is its order of no account."""

    def __init__(self, dialect: str) -> None:
        self.text_bytes = 0
        self.tokens = 0
        self._image = IMAGE_TOKENS.get(dialect, IMAGE_TOKENS_OPENAI)

    def read(self, raw: msgspec.Raw) -> None:
        """Count JSON text; as mere text where it holds what no type has (`1e999`)."""
        try:
            self.add(msgspec.json.decode(raw))
        except msgspec.MsgspecError:
            self.text_bytes += len(bytes(raw))

    def add(self, value: Any) -> None:
        """Count all that stands in `value`."""
        waiting = [value]
        while waiting:
            one = waiting.pop()
            if isinstance(one, str):
                self.text_bytes += len(one) if one.isascii() else len(one.encode("utf-8", "surrogatepass"))
            elif isinstance(one, list):
                waiting.extend(one)
            elif isinstance(one, dict):
                self._look_at(one, waiting)

    def _look_at(self, one: dict[str, Any], waiting: list[Any]) -> None:
        if "role" in one:
            self.tokens += MESSAGE_TOKENS
        kind = one.get("type")
        if isinstance(kind, str) and self._is_media(kind, one):
            return
        for name in _GOOGLE_MEDIA:
            if isinstance(media := one.get(name), dict):
                self._google(media)
                return
        for name, value in one.items():
            if name in _MUTE:
                continue
            if name in _VALUES and isinstance(value, dict):
                self.text_bytes += len(msgspec.json.encode(value))
            else:
                waiting.append(value)

    def _is_media(self, kind: str, one: dict[str, Any]) -> bool:
        if kind in _IMAGES:
            inner = one.get("image_url")
            detail = inner.get("detail") if isinstance(inner, dict) else one.get("detail")
            self.tokens += IMAGE_TOKENS_LOW if detail == "low" else self._image
        elif kind in _DOCUMENTS:
            source = one.get("source")
            if isinstance(source, dict) and source.get("type") in ("text", "content"):
                return False
            self.tokens += DOCUMENT_TOKENS
        elif kind in _SOUNDS:
            self.tokens += SOUND_TOKENS
        else:
            # What a model thought in secret is no text either.
            return kind == "redacted_thinking"
        return True

    def _google(self, media: dict[str, Any]) -> None:
        kind = str(media.get("mimeType") or media.get("mime_type") or "").partition("/")[0]
        if kind == "image":
            self.tokens += self._image
        else:
            self.tokens += SOUND_TOKENS if kind in {"audio", "video"} else DOCUMENT_TOKENS
