"""The question: what a model is asked, as a superset of what every dialect can say.

Text that a provider must get unchanged (schemas, tool arguments) is kept as the caller's own JSON text, never parsed.
Optional values are None where the caller said nothing, which is never the same as 0, an empty text or false.
"""

from typing import Literal

import msgspec

from fastgw.protocols.hub.sealed import Sealed

Role = Literal["system", "developer", "user", "assistant", "tool"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]


class Cache(msgspec.Struct, frozen=True, gc=False):
    """A prompt-cache breakpoint behind a part (Anthropic's `cache_control`)."""

    ttl: Literal["", "5m", "1h"] = ""
    """Empty: the provider's default."""


class Source(msgspec.Struct, frozen=True, gc=False):
    """Where the bytes of a medium are: exactly one of `url`, `data` and `file_id` is set."""

    media_type: str = ""
    """Like `image/png`; empty when nobody said."""
    url: str = ""
    """`https:`, `http:` or a provider's own scheme (`gs:`, `s3:`); never a `data:` URL, which becomes `data`."""
    data: str = ""
    """Base64 as the caller sent it."""
    file_id: str = ""
    """A file kept by the provider whose dialect `origin` names; useless to any other."""


class Text(msgspec.Struct, frozen=True, tag=True):
    """Words."""

    text: str
    cache: Cache | None = None
    citations: tuple["Citation", ...] = ()
    sealed: Sealed | None = None
    """Gemini's thought signature on a text part."""


class Image(msgspec.Struct, frozen=True, tag=True):
    """A picture."""

    source: Source
    detail: str = ""
    """OpenAI's `low`, `high`, `auto`, `original`; empty when unsaid."""
    cache: Cache | None = None


class Document(msgspec.Struct, frozen=True, tag=True):
    """A PDF or a text file."""

    source: Source
    filename: str = ""
    """Also Anthropic's `title`."""
    context: str = ""
    citations: bool | None = None
    """Whether the answer may cite it (Anthropic)."""
    text: str | None = None
    """A plain text document; then `source` is empty."""
    cache: Cache | None = None


class Audio(msgspec.Struct, frozen=True, tag=True):
    """Sound for the model to hear; `source.media_type` like `audio/wav`."""

    source: Source


class Video(msgspec.Struct, frozen=True, tag=True):
    """Moving pictures (Gemini, Qwen, MiniMax)."""

    source: Source


class Thought(msgspec.Struct, frozen=True, tag=True):
    """Reasoning of an earlier turn, replayed."""

    text: str = ""
    """May be empty beside a seal."""
    sealed: Sealed | None = None
    redacted: bool = False
    """Only the seal is there (Anthropic's `redacted_thinking`); never shown as text."""
    id: str = ""
    summaries: tuple[str, ...] = ()
    """Responses' summary parts, kept apart; `text` is empty then, unless the item has both."""


class ToolCall(msgspec.Struct, frozen=True, tag=True):
    """A tool that the assistant called."""

    id: str
    name: str
    arguments: str
    """The JSON text as the model wrote it; for a custom tool any text. `""` counts as `{}` where an object is due."""
    custom: bool = False
    sealed: Sealed | None = None
    """Gemini's thought signature on the call."""
    cache: Cache | None = None
    item_id: str = ""
    """Responses' id of the item, beside the id of the call."""


class ToolResult(msgspec.Struct, frozen=True, tag=True):
    """What a tool answered."""

    call_id: str
    parts: tuple["Text | Image | Document | Audio | Video", ...]
    is_error: bool | None = None
    name: str = ""
    """Of the function, where the dialect says it (Gemini); else look it up by `call_id` in the history."""
    custom: bool = False
    cache: Cache | None = None
    raw_object: str = ""
    """Gemini's `response` object as JSON text, where the caller sent one; `parts` then hold the same as text."""


class Refused(msgspec.Struct, frozen=True, tag=True):
    """An earlier refusal of the assistant (chat's `refusal`)."""

    text: str


class Opaque(msgspec.Struct, frozen=True, tag=True):
    """A part that only its own dialect knows (server tools' blocks, item references). Lost elsewhere, with a signal."""

    dialect: str
    kind: str
    """Its `type` on the wire; the loss is named by it."""
    raw: str
    """The whole part as JSON text."""
    path: str = ""
    """Where the caller put it; its loss is named so, else by `kind`."""
    asked: bool = False
    """It is a part of the question, of a kind that nobody knows: refused where it cannot be sent, not dropped."""


class Citation(msgspec.Struct, frozen=True):
    """Where a piece of an answer comes from."""

    kind: Literal["url", "document", "file", "opaque"]
    url: str = ""
    title: str = ""
    cited_text: str = ""
    start: int = 0
    """First character in the answer's text that it covers, or in the document for `document`."""
    end: int = 0
    document_index: int = 0
    unit: Literal["", "char", "page", "block"] = ""
    """What `start` and `end` count in a cited document."""
    dialect: str = ""
    raw: str = ""
    """As the dialect sent it, for a replay to itself."""


Part = Text | Image | Document | Audio | Video | Thought | ToolCall | ToolResult | Refused | Opaque


class Turn(msgspec.Struct, frozen=True):
    """One message. Encoders merge or split turns as their dialect wants; decoders keep them as they came."""

    role: Role
    """`tool` is chat's own role; Anthropic and Gemini have results in `user` turns. `developer` where it was said."""
    parts: tuple[Part, ...]
    name: str = ""
    """Chat's `name` of a participant."""
    id: str = ""
    """Responses' id of the item."""
    plain: bool = False
    """The content was a bare string on the wire; same-dialect encoders restore that."""
    phase: str = ""
    """Responses' `phase` of an assistant message."""


class Tool(msgspec.Struct, frozen=True):
    """A tool that the model may call."""

    kind: Literal["function", "custom", "web_search", "opaque"]
    name: str = ""
    description: str = ""
    schema: str = ""
    """JSON Schema of the parameters as text; empty when the caller gave none."""
    strict: bool | None = None
    grammar: str = ""
    """A custom tool's `format` as JSON text, as Responses spells it: `{"type":"grammar","syntax","definition"}`."""
    cache: Cache | None = None
    dialect: str = ""
    """Whose server tool it is, for `opaque` and `web_search`; whose spelling `raw` is, for a function."""
    raw: str = ""
    """The whole tool as JSON text, for `opaque`, and for a replay of any other kind to its own dialect."""
    path: str = ""
    """Where the caller put it, if that is not its number in `Conversation.tools`."""


class ToolChoice(msgspec.Struct, frozen=True):
    """Which tools must or may be called."""

    mode: Literal["auto", "none", "required", "named", "allowed"]
    name: str = ""
    """For `named`."""
    allowed: tuple[str, ...] = ()
    """Names for `allowed`; `required` says whether one of them must be called."""
    required: bool = False
    custom: bool = False


class Thinking(msgspec.Struct, frozen=True):
    """How much the model shall reason."""

    mode: Literal["", "off", "on", "adaptive"] = ""
    """Empty: only `effort` or nothing was said."""
    effort: Effort | None = None
    budget_tokens: int | None = None
    """-1: as the model likes (Gemini's dynamic budget)."""
    show: bool | None = None
    """Whether the reasoning is to be sent back (Gemini's `includeThoughts`, Anthropic's `display`)."""
    summary: str = ""
    """Responses' `auto`, `concise`, `detailed`."""


class Format(msgspec.Struct, frozen=True):
    """The form that the answer must have."""

    kind: Literal["text", "json_object", "json_schema"]
    name: str = ""
    schema: str = ""
    """JSON Schema as text."""
    strict: bool | None = None
    description: str = ""
    dialect: str = ""
    """Whose own spelling `raw` is."""
    raw: str = ""
    """The schema as its dialect spells it (Gemini's `responseSchema`), for a replay to itself."""


class Sampling(msgspec.Struct, frozen=True):
    """Numbers that tune the choice of words; None where unsaid, and 0 is a value."""

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    seed: int | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    logit_bias: str = ""
    """JSON text; chat only."""
    stop: tuple[str, ...] = ()
    n: int | None = None
    logprobs: bool | None = None
    top_logprobs: int | None = None


class Conversation(msgspec.Struct, frozen=True):
    """One question to a model."""

    origin: str
    """Name of the dialect in which it was asked."""
    turns: tuple[Turn, ...]
    """In order, system and developer turns where the caller put them."""
    stream: bool = False
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parallel_calls: bool | None = None
    output_cap: int | None = None
    sampling: Sampling = Sampling()
    thinking: Thinking | None = None
    format: Format | None = None
    verbosity: str = ""
    user: str = ""
    """The end user, as the caller names them (`user`, `safety_identifier`, `metadata.user_id`)."""
    user_field: str = ""
    """Where the caller named them, if not in the usual field."""
    cache_key: str = ""
    """OpenAI's `prompt_cache_key`."""
    service_tier: str = ""
    stateless: bool = False
    """The caller forbids to keep the answer (`store: false`). A wish to keep it is a field of `same`."""
    seals: bool = False
    """The caller sends sealed reasoning back itself, and asks for the seals (Responses'
    `include: ["reasoning.encrypted_content"]`)."""
    same: dict[str, msgspec.Raw] = {}
    """Top-level fields that mean something in the caller's own dialect only, as they came. Another dialect's encoder
    lists each by name as a loss; `MEANING` in `losses` has those that must be refused instead."""
