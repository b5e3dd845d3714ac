"""The request of `POST /v1/messages` as it stands on the wire (anthropic-python 2.12 `types/*_param.py`, 2026-11).

Unknown fields are no mistake: `strict.decode` lists them as losses. What must keep its bytes is `msgspec.Raw`.
"""

import msgspec
from msgspec import Raw

ABSENT = Raw(b"")
NOTHING = (b"", b"null")


class CacheControl(msgspec.Struct, forbid_unknown_fields=True):
    """A prompt-cache breakpoint."""

    type: str = "ephemeral"
    ttl: str | None = None


class CitationsConfig(msgspec.Struct, forbid_unknown_fields=True):
    """Whether a document may be cited."""

    enabled: bool | None = None


class Message(msgspec.Struct, forbid_unknown_fields=True):
    """One message; `content` is a string or a list of blocks."""

    role: str
    content: Raw


class Kind(msgspec.Struct):
    """The `type` of a block, a tool or a source."""

    type: str | None = None


class TextBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="text"):
    """`text`."""

    text: str
    cache_control: CacheControl | None = None
    citations: list[Raw] | None = None


class Source(msgspec.Struct, forbid_unknown_fields=True):
    """Of a picture or a document: `base64`, `url`, `file`, `text`, `content`."""

    type: str
    media_type: str | None = None
    data: str | None = None
    url: str | None = None
    file_id: str | None = None
    content: Raw = ABSENT


class ImageBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="image"):
    """`image`."""

    source: Source
    cache_control: CacheControl | None = None


class DocumentBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="document"):
    """`document`."""

    source: Source
    cache_control: CacheControl | None = None
    citations: CitationsConfig | None = None
    context: str | None = None
    title: str | None = None


class SearchResultBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="search_result"):
    """`search_result`: passages that the caller found, to be cited."""

    content: list[TextBlock]
    source: str
    title: str
    cache_control: CacheControl | None = None
    citations: CitationsConfig | None = None


class ThinkingBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="thinking"):
    """`thinking`; the text is empty where the caller asked for `display: omitted`."""

    thinking: str = ""
    signature: str | None = None


class RedactedBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="redacted_thinking"):
    """`redacted_thinking`."""

    data: str


class ToolUseBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="tool_use"):
    """`tool_use`."""

    id: str
    name: str
    input: Raw = ABSENT
    cache_control: CacheControl | None = None


class ToolResultBlock(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="tool_result"):
    """`tool_result`; `content` is a string or a list of blocks."""

    tool_use_id: str
    cache_control: CacheControl | None = None
    content: Raw = ABSENT
    is_error: bool | None = None


Block = (
    TextBlock
    | ImageBlock
    | DocumentBlock
    | SearchResultBlock
    | ThinkingBlock
    | RedactedBlock
    | ToolUseBlock
    | ToolResultBlock
)
"""Every block that means something elsewhere too."""


class KnownMessage(msgspec.Struct, forbid_unknown_fields=True):
    """A message of which everything is known: decoded in one pass."""

    role: str
    content: str | list[Block]


class FunctionTool(msgspec.Struct, forbid_unknown_fields=True):
    """A tool that the caller runs: no `type`, or `custom`."""

    name: str
    input_schema: Raw = ABSENT
    description: str | None = None
    type: str | None = None
    strict: bool | None = None
    cache_control: CacheControl | None = None


class ServerTool(msgspec.Struct):
    """What is read of a tool of Anthropic's own; the rest is its raw text."""

    type: str
    name: str = ""
    mcp_server_name: str = ""
    cache_control: CacheControl | None = None


class ToolChoice(msgspec.Struct, forbid_unknown_fields=True):
    """`auto`, `any`, `tool`, `none`."""

    type: str
    name: str | None = None
    disable_parallel_tool_use: bool | None = None


class Thinking(msgspec.Struct, forbid_unknown_fields=True):
    """`enabled`, `disabled`, `adaptive`, `between_tools`."""

    type: str
    budget_tokens: int | None = None
    display: str | None = None


class OutputFormat(msgspec.Struct, forbid_unknown_fields=True):
    """`json_schema` is the only type there is."""

    type: str
    schema: Raw = ABSENT


class OutputConfig(msgspec.Struct, forbid_unknown_fields=True):
    """How the answer is to be."""

    effort: str | None = None
    format: OutputFormat | None = None


class Metadata(msgspec.Struct, forbid_unknown_fields=True):
    """About the request."""

    user_id: str | None = None
