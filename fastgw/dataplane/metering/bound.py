"""How many tokens a prompt may come to at most: from its bytes, without a tokenizer on the path.

A tokenizer that works on bytes makes no more tokens than a text has bytes, and what frames a message for the model is
shorter than what frames it in JSON. So the whole body counts by its bytes, but for media, which are found by walking
the places where a provider takes them (never what a model reads as JSON: the same words in a tool's arguments are
text) and count by the most that one may come to. It takes 15 us for 3 KB of short messages, 0.3 ms for one message of
a megabyte.

- an image: at Anthropic 4,784 (platform.claude.com/docs, vision: 2,576 pixels at most), at Google 2,240 at the highest
  resolution and 258 for each tile of older models (ai.google.dev, media resolution), elsewhere 16,384 (Qwen at its high
  resolution, help.aliyun.com; OpenAI has 10,000 patches at most, developers.openai.com, images and vision), of which
  GPT-4o mini is an exception with 2,833 + 8 x 5,667;
- a document, sound or a video may fill the whole context: pages that share one picture and seconds of silence take a
  few bytes each, and thousands of tokens. Where the operator says that their sizes count (`money.media_by_size`), a
  document counts by its bytes, sound one token for 8 characters of base64 (32 a second at Google, and music takes 4,000
  bytes for one), video one for 4 (300 a second);
- what the provider keeps or fetches itself (an earlier answer, a file, a video by URL) may fill it, too.

A prompt has some tokens that nobody wrote: what opens and ends it, and the system prompts that some models have of
their own (gpt-oss, Llama 3: a few dozen; their chat templates at huggingface.co); 128 is taken for these. Tools cost
what they say and up to 806 tokens for the instructions that come with them; tools that a vendor defines, by name and
date alone, up to 1,000 each (platform.claude.com/docs, pricing, tool use). All sources as of 2026-11.

What a provider's own tools add (pages that a search brings into the prompt, and the price of each search) has no bound
here: it is charged as used, and what of that exceeds the hold is an overage.
"""

from collections.abc import Sequence
from typing import Any

import msgspec

from fastgw.exchange import Candidate
from fastgw.money.amounts import PPM
from fastgw.protocols.hub.dialect import Fields
from fastgw.settings.money import MoneySettings

OVERHEAD_TOKENS = 128
TOOLS_TOKENS = 1_000
TOOL_DEFINED_TOKENS = 1_000
CONTEXT_UNKNOWN_TOKENS = 1_048_576
"""Stands for the context of a model of which it is not known."""
CONTEXT_SLACK = 16
"""A sixteenth is added to what a book says, which often is a round number: 1,000,000 for 1,048,576."""
IMAGE_TOKENS_MAX = 16_384
IMAGE_TOKENS_MAX_BY_DIALECT = {"messages": 5_000, "gemini": 5_000, "converse": 5_000}
IMAGE_TOKENS_MAX_4O_MINI = 48_169
IMAGE_TOKENS_MAX_TILED = 65_536
"""Before Gemini 3 an image has a tile of 258 tokens for each part of it that is as wide and high as two thirds of its
shorter side, 256 pixels at least (ai.google.dev, image understanding, 2026-11): a band of 30,000 x 385 has 236."""
MEDIA_TOKENS_LEAST = 1_000
SOUND_CHARACTERS_PER_TOKEN = 8
VIDEO_CHARACTERS_PER_TOKEN = 4

_PROSE = ("messages", "input", "contents", "system", "systemInstruction", "system_instruction")
_KEPT = ("previous_response_id", "conversation", "prompt", "cachedContent", "cached_content")
"""What of a prompt the provider has already. `prompt` is a text in legacy completions, and an object in Responses."""
_DEFINED = b"_20"
"""In the names of tools that a vendor defines: `bash_20250124`."""
_NULL = b"null"
_HOLDERS = ("content", "parts", "output", "functionResponse", "function_response")
"""Members in which further media may be."""


def bound_for(settings: MoneySettings, fields: Fields, body_bytes: int, candidates: Sequence[Candidate]) -> int:
    """The bound over all `candidates` (one or more)."""
    contexts = [one.context_length for one in candidates]
    by_model = settings.tokens_per_byte_ppm_by_model
    factors = [by_model.get(one.public_model, settings.tokens_per_byte_ppm) for one in candidates]
    return bound_prompt_tokens(
        fields,
        body_bytes,
        context_length=max(contexts) * (CONTEXT_SLACK + 1) // CONTEXT_SLACK if all(contexts) else 0,
        tokens_per_byte_ppm=max(factors),
        image_tokens_max=max(image_tokens_max(one, by_size=settings.media_by_size) for one in candidates),
        media_by_size=settings.media_by_size,
    )


def image_tokens_max(candidate: Candidate, *, by_size: bool = False) -> int:
    """What one image may come to at a candidate; `by_size`: one of a common shape."""
    if "4o-mini" in candidate.model:
        return IMAGE_TOKENS_MAX_4O_MINI
    if candidate.dialect == "gemini" and not candidate.model.startswith("gemini-3") and not by_size:
        return IMAGE_TOKENS_MAX_TILED
    return IMAGE_TOKENS_MAX_BY_DIALECT.get(candidate.dialect, IMAGE_TOKENS_MAX)


def bound_prompt_tokens(
    fields: Fields,
    body_bytes: int,
    *,
    context_length: int = 0,
    tokens_per_byte_ppm: int = PPM,
    image_tokens_max: int = IMAGE_TOKENS_MAX,
    media_by_size: bool = False,
) -> int:
    """No tokenizer makes more tokens of the prompt than this; never more than `context_length` (0: unknown)."""
    context = context_length or CONTEXT_UNKNOWN_TOKENS
    if any(_is_kept(name, fields[name]) for name in _KEPT if name in fields):
        return context
    text_bytes, tokens = body_bytes, OVERHEAD_TOKENS
    if "tools" in fields or "functions" in fields:
        tokens += TOOLS_TOKENS + TOOL_DEFINED_TOKENS * bytes(fields.get("tools", b"")).count(_DEFINED)
    for name in _PROSE:
        if name in fields:
            media = _Media(image_tokens_max, context, by_size=media_by_size)
            media.read(fields[name])
            text_bytes -= media.characters
            tokens += media.tokens
    bound = -(-text_bytes * tokens_per_byte_ppm // PPM) + tokens
    return min(bound, context_length) if context_length else bound


def _is_kept(name: str, raw: msgspec.Raw) -> bool:
    value = bytes(raw)
    return value[:1] == b"{" if name == "prompt" else value != _NULL


class _Media:
    """Walks the places of a prompt where media may be, without recursion."""

    def __init__(self, image_tokens: int, context: int, *, by_size: bool) -> None:
        self.characters = 0
        """Of media that do not count by their bytes."""
        self.tokens = 0
        self._image_tokens = image_tokens
        self._context = context
        self._by_size = by_size

    def read(self, raw: msgspec.Raw) -> None:
        """Find all media in a field of the body."""
        try:
            waiting = [msgspec.json.decode(raw)]
        except msgspec.MsgspecError:
            # What no type holds (`1e999`) is forwarded as it is, and may be anything.
            self.tokens += self._context
            return
        while waiting:
            one = waiting.pop()
            if isinstance(one, list):
                waiting.extend(one)
            elif isinstance(one, dict):
                self._look_at(one, waiting)

    def _look_at(self, one: dict[str, Any], waiting: list[Any]) -> None:
        # Whatever stands beside it, each counts: which of them is heeded is for the provider to say.
        kind = one.get("type")
        if "image_url" in one:
            self._by_url(one["image_url"], self._image_tokens)
        elif kind in ("input_image", "computer_screenshot"):
            self.tokens += self._image_tokens
        for name, value in one.items():
            # `video_url`, `audio_url` (vLLM), `document_url` (Mistral), `file_url` (Zhipu, OpenAI).
            if name.endswith("_url") and name != "image_url":
                self._by_url(value, self._context)
        if kind in ("video", "audio"):
            # Pictures of a film, or sound, in a list (DashScope).
            self.tokens += self._context
        if "input_audio" in one:
            self._data(_said(one["input_audio"], "data"), "audio/")
        if kind in ("image", "document") and isinstance(source := one.get("source"), dict):
            self._source(source, str(kind), waiting)
        if kind == "image_generation_call":
            self._data(one.get("result"), "image/")
        if kind in ("file", "input_file"):
            inner = one.get("file")
            self._file(inner if isinstance(inner, dict) else one)
        if kind in ("item_reference", "container_upload") or _said(one.get("audio"), "id"):
            self.tokens += self._context
        self._google(one)
        waiting.extend(one[name] for name in _HOLDERS if name in one)

    def _google(self, one: dict[str, Any]) -> None:
        for name in ("inlineData", "inline_data"):
            if isinstance(media := one.get(name), dict):
                self._data(media.get("data"), _agreed(media.get("mimeType"), media.get("mime_type")))
        if isinstance(one.get("fileData"), dict) or isinstance(one.get("file_data"), dict):
            self.tokens += self._context

    def _source(self, source: dict[str, Any], kind: str, waiting: list[Any]) -> None:
        """Anthropic's: `{"type":"base64","media_type","data"}`, `url`, `file`, `text` or `content`."""
        if source.get("type") in ("text", "content"):
            waiting.append(source.get("content"))
        elif kind == "image":
            self._data(source.get("data"), str(source.get("media_type") or "image/"))
        elif isinstance(source.get("data"), str):
            self._data(source["data"], str(source.get("media_type") or ""))
        else:
            self.tokens += self._context

    def _file(self, one: dict[str, Any]) -> None:
        """OpenAI's: `file_data` with a data URL, else `file_id` or `file_url`."""
        data = one.get("file_data")
        if isinstance(data, str) and data:
            self._by_url(data, self._context)
        else:
            self.tokens += self._context

    def _by_url(self, media: Any, fetched_tokens: int) -> None:
        """An image or video as a URL, or as an object that holds one; what has its data in it counts by its kind."""
        url = _said(media, "url") if isinstance(media, dict) else media
        if isinstance(url, str) and url[:5].lower() == "data:":
            self._data(url, url[5:32].lower())
        elif isinstance(url, str) and not url[:4].lower() == "http":
            # What lies in a vendor's own store may be of any kind.
            self.tokens += self._context
        else:
            self.tokens += fetched_tokens

    def _data(self, data: Any, kind: str) -> None:
        """Data in base64 whose MIME type begins with `kind`."""
        length = len(data) if isinstance(data, str) else 0
        if kind.startswith("image/"):
            self.tokens += self._image_tokens
        elif kind.startswith("text/"):
            return
        elif not self._by_size:
            self.tokens += self._context
        elif kind.startswith("audio/"):
            self.tokens += MEDIA_TOKENS_LEAST + length // SOUND_CHARACTERS_PER_TOKEN
        elif kind.startswith("video/"):
            self.tokens += MEDIA_TOKENS_LEAST + length // VIDEO_CHARACTERS_PER_TOKEN
        else:
            self.tokens += MEDIA_TOKENS_LEAST
            return
        self.characters += length


def _said(one: Any, name: str) -> Any:
    return one.get(name) if isinstance(one, dict) else None


def _agreed(*kinds: Any) -> str:
    """The MIME type that is said of one thing; empty, which counts most, for none and for two that differ."""
    said = {str(kind) for kind in kinds if kind}
    return said.pop() if len(said) == 1 else ""
