"""The items, parts and tools of a request as they stand on the wire. Unknown fields are losses (`strict`)."""

from typing import Literal

import msgspec

Role = Literal["system", "developer", "user", "assistant"]


class _Part(msgspec.Struct, forbid_unknown_fields=True, tag_field="type"):
    pass


class Breakpoint(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt-cache breakpoint behind a part."""

    mode: str = ""


class InputText(_Part, tag="input_text"):
    """Words to the model."""

    text: str
    prompt_cache_breakpoint: Breakpoint | None = None


class PlainText(_Part, tag="text"):
    """Words, as some clients spell their type (chat's `text`)."""

    text: str


class OutputText(_Part, tag="output_text"):
    """Words of the model, replayed."""

    text: str
    annotations: list[msgspec.Raw] | None = None
    logprobs: list[msgspec.Raw] | None = None


class Refusal(_Part, tag="refusal"):
    """A refusal of the model, replayed."""

    refusal: str


class InputImage(_Part, tag="input_image"):
    """A picture by URL, `data:` URL or id."""

    image_url: str | None = None
    file_id: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


class InputFile(_Part, tag="input_file"):
    """A document by id, URL, or as base64 (bare or as a `data:` URL)."""

    file_id: str | None = None
    file_url: str | None = None
    file_data: str | None = None
    filename: str | None = None
    detail: str | None = None
    prompt_cache_breakpoint: Breakpoint | None = None


class Sound(msgspec.Struct, forbid_unknown_fields=True):
    """Base64 and its format, `mp3` or `wav`."""

    data: str
    format: str


class InputAudio(_Part, tag="input_audio"):
    """Sound for the model to hear (OpenAI's SDK types, 2026-11)."""

    input_audio: Sound


Part = InputText | PlainText | OutputText | Refusal | InputImage | InputFile | InputAudio
Content = str | list[Part]


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """A message; its `type` may be left out."""

    role: Role
    content: Content
    type: str | None = None
    id: str | None = None
    status: str | None = None
    phase: str | None = None


class FunctionCall(msgspec.Struct, forbid_unknown_fields=True):
    """A call of a function by the model."""

    type: str
    call_id: str
    name: str
    arguments: str
    id: str | None = None
    namespace: str | None = None
    status: str | None = None


class CustomCall(msgspec.Struct, forbid_unknown_fields=True):
    """A call of a custom tool by the model."""

    type: str
    call_id: str
    name: str
    input: str
    id: str | None = None
    namespace: str | None = None
    status: str | None = None


class CallOutput(msgspec.Struct, forbid_unknown_fields=True):
    """What a function or a custom tool answered."""

    type: str
    call_id: str
    output: Content
    id: str | None = None
    name: str | None = None
    status: str | None = None


class Words(msgspec.Struct, forbid_unknown_fields=True):
    """A piece of reasoning or of its summary."""

    text: str
    type: str = ""


class Reasoning(msgspec.Struct, forbid_unknown_fields=True):
    """Reasoning of an earlier turn."""

    type: str
    summary: list[Words] = []
    content: list[Words] | None = None
    encrypted_content: str | None = None
    id: str | None = None
    status: str | None = None


class Function(msgspec.Struct):
    """A tool of type `function`. What else it says stays in its raw text."""

    name: str
    description: str | None = None
    parameters: msgspec.Raw = msgspec.Raw(b"")
    strict: bool | None = None


class Custom(msgspec.Struct):
    """A tool of type `custom`."""

    name: str
    description: str | None = None
    format: msgspec.Raw = msgspec.Raw(b"")


class Namespace(msgspec.Struct):
    """Tools under a common name (what Codex makes of an MCP server)."""

    name: str
    description: str | None = None
    tools: list[msgspec.Raw] = []


class Named(msgspec.Struct):
    """A `tool_choice` that is an object, or an entry of its `tools`."""

    type: str
    name: str | None = None
    mode: str | None = None
    tools: list["Named"] | None = None


class TextField(msgspec.Struct, forbid_unknown_fields=True):
    """The field `text`."""

    format: "TextFormat | None" = None
    verbosity: str | None = None


class TextFormat(msgspec.Struct, forbid_unknown_fields=True):
    """The form of the answer, flattened."""

    type: Literal["text", "json_object", "json_schema"]
    name: str | None = None
    schema: msgspec.Raw = msgspec.Raw(b"")
    strict: bool | None = None
    description: str | None = None
