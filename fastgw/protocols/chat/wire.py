"""The request of chat completions on the wire (OpenAI's API description of 2026-08), and what other providers add.

Every field that a caller is known to send is named, so that `strict.decode` lists the rest as losses. What must not be
encoded again is kept as the caller's own bytes.
"""

from typing import Literal

import msgspec

ABSENT = msgspec.Raw(b"")
"""A value that is not there."""
Role = Literal["system", "developer", "user", "assistant", "tool", "function"]


class CacheControl(msgspec.Struct, forbid_unknown_fields=True):
    """OpenRouter's and LiteLLM's `cache_control`, Anthropic's by shape (openrouter.ai/docs, 2026-08)."""

    type: str = "ephemeral"
    ttl: str | None = None


class Breakpoint(msgspec.Struct, forbid_unknown_fields=True):
    """OpenAI's own `prompt_cache_breakpoint`; its only mode is `explicit`."""

    mode: str = "explicit"


class Cached(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """What any part may carry."""

    cache_control: CacheControl | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


class TextPart(Cached, tag="text"):
    """Words."""

    text: str


class ImageUrl(msgspec.Struct, forbid_unknown_fields=True):
    """Where an image is."""

    url: str
    detail: str | None = None


class ImagePart(Cached, tag="image_url"):
    """A picture; some clients give a bare URL."""

    image_url: ImageUrl | str


class InputAudio(msgspec.Struct, forbid_unknown_fields=True):
    """Sound."""

    data: str
    format: str = "wav"


class AudioPart(Cached, tag="input_audio"):
    """Sound to listen to."""

    input_audio: InputAudio


class FileData(msgspec.Struct, forbid_unknown_fields=True):
    """A file: inline as a data URL (OpenRouter: any URL), or kept by the provider."""

    file_data: str | None = None
    file_id: str | None = None
    filename: str | None = None
    format: str | None = None
    """LiteLLM's media type."""


class FilePart(Cached, tag="file"):
    """A document."""

    file: FileData


class RefusalPart(Cached, tag="refusal"):
    """An earlier refusal."""

    refusal: str


class VideoPart(Cached, tag="video_url"):
    """Moving pictures (Qwen, OpenRouter, vLLM)."""

    video_url: ImageUrl | str


Part = TextPart | ImagePart | AudioPart | FilePart | RefusalPart | VideoPart


class Google(msgspec.Struct, forbid_unknown_fields=True):
    """What Google's OpenAI-compatible endpoint adds (ai.google.dev/gemini-api/docs/thought-signatures, 2026-08)."""

    thought_signature: str | None = None


class Extra(msgspec.Struct, forbid_unknown_fields=True):
    """`extra_content` of a tool call or a message."""

    google: Google | None = None


class Function(msgspec.Struct, forbid_unknown_fields=True):
    """A called function; `arguments` is a string, or from some clients the object itself."""

    name: str
    arguments: msgspec.Raw = msgspec.Raw(b'""')


class Custom(msgspec.Struct, forbid_unknown_fields=True):
    """A called custom tool."""

    name: str
    input: str = ""


class Call(msgspec.Struct, forbid_unknown_fields=True):
    """One of `tool_calls`."""

    id: str = ""
    type: Literal["function", "custom"] = "function"
    function: Function | None = None
    custom: Custom | None = None
    index: int | None = None
    """Kept by clients from a stream; says nothing."""
    extra_content: Extra | None = None
    cache_control: CacheControl | None = None


class AudioId(msgspec.Struct):
    """An earlier spoken answer, by its id; clients that keep the whole answer send its sound along."""

    id: str


class MadeImage(msgspec.Struct, forbid_unknown_fields=True):
    """A picture that the assistant made (OpenRouter)."""

    image_url: ImageUrl | str
    type: str = "image_url"
    index: int | None = None
    """Kept by clients from a stream; says nothing."""
    cache_control: CacheControl | None = None


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """One of `messages`, of any role."""

    role: Role
    content: str | list[Part] | None = None
    name: str | None = None
    tool_calls: list[Call] | None = None
    tool_call_id: str | None = None
    function_call: Function | None = None
    refusal: str | None = None
    audio: AudioId | None = None
    reasoning_content: str | None = None
    reasoning: str | None = None
    reasoning_signature: str | None = None
    """agentgateway's."""
    reasoning_details: list[dict[str, msgspec.Raw]] | None = None
    thinking_blocks: list[dict[str, msgspec.Raw]] | None = None
    extra_content: Extra | None = None
    cache_control: CacheControl | None = None
    """LiteLLM: behind the last part."""
    images: list[MadeImage] | None = None
    annotations: list[msgspec.Raw] | None = None
    """Citations of the assistant's, kept by clients from its answer."""


class ToolFunction(msgspec.Struct, forbid_unknown_fields=True):
    """A function that may be called."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = ABSENT
    strict: bool | None = None


class ToolCustom(msgspec.Struct, forbid_unknown_fields=True):
    """A custom tool that may be called."""

    name: str
    description: str | None = None
    format: msgspec.Raw = ABSENT


class Tool(msgspec.Struct, forbid_unknown_fields=True):
    """One of `tools`, of the two kinds that the caller runs itself."""

    type: Literal["function", "custom"] = "function"
    function: ToolFunction | None = None
    custom: ToolCustom | None = None
    cache_control: CacheControl | None = None


class ChosenName(msgspec.Struct, forbid_unknown_fields=True):
    """The name of a tool."""

    name: str


class Allowed(msgspec.Struct, forbid_unknown_fields=True):
    """One of the tools that `allowed_tools` names."""

    type: str = "function"
    function: ChosenName | None = None
    custom: ChosenName | None = None


class AllowedTools(msgspec.Struct, forbid_unknown_fields=True):
    """A subset of the tools."""

    tools: list[Allowed]
    mode: Literal["auto", "required"] = "auto"


class Choice(msgspec.Struct, forbid_unknown_fields=True):
    """`tool_choice` as an object."""

    type: Literal["function", "custom", "allowed_tools", "auto", "none", "required", "any"] = "function"
    function: ChosenName | None = None
    custom: ChosenName | None = None
    allowed_tools: AllowedTools | None = None


class JsonSchema(msgspec.Struct, forbid_unknown_fields=True):
    """A structured output."""

    name: str = ""
    description: str | None = None
    schema: msgspec.Raw = ABSENT
    strict: bool | None = None


class ResponseFormat(msgspec.Struct, forbid_unknown_fields=True):
    """`response_format`."""

    type: Literal["text", "json_object", "json_schema"]
    json_schema: JsonSchema | None = None


class ThinkingSwitch(msgspec.Struct, forbid_unknown_fields=True):
    """`thinking`, as GLM, Kimi, DeepSeek and Ark read it; LiteLLM's adds a budget."""

    type: Literal["enabled", "disabled", "adaptive", "auto"] = "enabled"
    budget_tokens: int | None = None


class ReasoningSwitch(msgspec.Struct, forbid_unknown_fields=True):
    """OpenRouter's `reasoning` (openrouter.ai/docs, 2026-08)."""

    effort: Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"] | None = None
    max_tokens: int | None = None
    exclude: bool | None = None
    enabled: bool | None = None
    summary: str | None = None
