"""The messages of a caller's request as turns."""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.hub.conversation import (
    Audio,
    Citation,
    Document,
    Image,
    Opaque,
    Part,
    Role,
    Source,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.sealed import Sealed, untagged
from fastgw.protocols.messages import wire
from fastgw.protocols.messages.citations import read_citation
from fastgw.protocols.messages.decode_tools import NAME, cache_of
from fastgw.protocols.messages.seals import FAMILY, attached
from fastgw.protocols.messages.version import ASSISTANT_DOCUMENTS_END, USER_CITATIONS_END
from fastgw.protocols.strict import decode as strictly
from fastgw.protocols.toplevel import Fields

_known_messages = msgspec.json.Decoder(list[wire.KnownMessage])
_messages = msgspec.json.Decoder(list[wire.Message])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_string = msgspec.json.Decoder(str)
_kind = msgspec.json.Decoder(wire.Kind)
_text = msgspec.json.Decoder(wire.TextBlock)
_BLOCKS: dict[str, msgspec.json.Decoder[Any]] = {
    "text": _text,
    "image": msgspec.json.Decoder(wire.ImageBlock),
    "document": msgspec.json.Decoder(wire.DocumentBlock),
    "search_result": msgspec.json.Decoder(wire.SearchResultBlock),
    "thinking": msgspec.json.Decoder(wire.ThinkingBlock),
    "redacted_thinking": msgspec.json.Decoder(wire.RedactedBlock),
    "tool_use": msgspec.json.Decoder(wire.ToolUseBlock),
    "tool_result": msgspec.json.Decoder(wire.ToolResultBlock),
}
Content = msgspec.Raw | str | list[wire.Block]
"""Of a message: as it came, or known and decoded."""
_SHOWN = (Text, Image, Document)
"""Parts that the result of a tool may hold."""
_ROLES: dict[str, Role] = {"user": "user", "assistant": "assistant", "system": "system"}


def turns_of(fields: Fields, version: str, losses: Losses) -> list[Turn]:
    """The turns as they came. `version` is the caller's: what it forbids is refused."""
    if "messages" not in fields:
        toplevel.refuse("messages: Field required", "messages")
    given: list[tuple[str, Content]]
    try:
        given = [(message.role, message.content) for message in _known_messages.decode(fields["messages"])]
    except msgspec.MsgspecError:
        # Something is unknown or wrong; block by block it is told which.
        raw: list[wire.Message] = strictly(_messages, fields["messages"], "messages", losses)
        given = [(message.role, message.content) for message in raw]
    if not given:
        toplevel.refuse("messages: at least one message is required", "messages")
    turns: list[Turn] = []
    for number, (said, content) in enumerate(given):
        path = f"messages[{number}]"
        role = _ROLES.get(said)
        if role is None:
            toplevel.refuse(
                f"{path}.role: Input should be 'user', 'assistant' or 'system', not '{said}'", f"{path}.role"
            )
        parts, plain = blocks_of(content, f"{path}.content", role, version, losses)
        turns.append(Turn(role, parts, plain=plain))
    return turns


def blocks_of(content: Content, path: str, role: Role, version: str, losses: Losses) -> tuple[tuple[Part, ...], bool]:
    """The parts of a message or of the system prompt, and whether it was a bare string."""
    if isinstance(content, str):
        return (Text(content),), True
    if isinstance(content, list):
        return _parts_of(enumerate(content), path, role, version, losses), False
    if bytes(content).startswith(b'"'):
        return (Text(toplevel.typed(_string, content, path)),), True
    return _parts_of(_blocks(content, path, role, losses), path, role, version, losses), False


def _blocks(content: msgspec.Raw, path: str, role: Role, losses: Losses) -> Iterator[tuple[int, wire.Block | Opaque]]:
    """Each block with its number, those that only this dialect knows as they are."""
    for number, raw in enumerate(toplevel.typed(_raws, content, path)):
        where = f"{path}[{number}]"
        kind: str = toplevel.typed(_kind, raw, where).type or ""
        decoder = _BLOCKS.get(kind)
        if decoder is None:
            yield number, Opaque(NAME, kind or "block", bytes(raw).decode(), where, asked=role == "user")
        else:
            yield number, strictly(decoder, raw, where, losses)


def _parts_of(
    blocks: Iterable[tuple[int, wire.Block | Opaque]], path: str, role: Role, version: str, losses: Losses
) -> tuple[Part, ...]:
    parts: list[Part] = []
    pending: Sealed | None = None
    for number, block in blocks:
        if isinstance(block, Opaque):
            parts.append(block)
            continue
        if isinstance(block, wire.RedactedBlock) and role == "assistant" and (seal := attached(block.data)):
            if seal.ahead:
                pending = seal.sealed
            else:
                _attach(parts, seal.sealed)
            continue
        part = _part(block, f"{path}[{number}]", role, version, losses)
        if part is None:
            continue
        if pending is not None and isinstance(part, Text | ToolCall):
            part = msgspec.structs.replace(part, sealed=pending)
            pending = None
        parts.append(part)
    if pending is not None:
        parts.append(Thought(sealed=pending, redacted=True))
    return tuple(parts)


def _attach(parts: list[Part], sealed: Sealed) -> None:
    """Put a seal back on the part that it followed."""
    last = parts[-1] if parts else None
    if isinstance(last, Text | ToolCall):
        parts[-1] = msgspec.structs.replace(last, sealed=sealed)
    else:
        parts.append(Thought(sealed=sealed, redacted=True))


def _part(block: Any, path: str, role: Role, version: str, losses: Losses) -> Part | None:  # noqa: PLR0911  one arm for each block
    match block:
        case wire.TextBlock():
            return _said(block, path, role, version)
        case wire.ThinkingBlock() | wire.RedactedBlock():
            return _thought(block, path, role, losses)
        case wire.ToolUseBlock():
            given = bytes(block.input)
            return ToolCall(
                block.id,
                block.name,
                "" if given in wire.NOTHING else given.decode(),
                cache=cache_of(block.cache_control),
            )
        case wire.ToolResultBlock():
            return ToolResult(
                block.tool_use_id,
                _result_parts(block.content, f"{path}.content", losses),
                is_error=block.is_error,
                cache=cache_of(block.cache_control),
            )
        case wire.ImageBlock():
            return Image(_source(block.source, path), cache=cache_of(block.cache_control))
        case wire.DocumentBlock():
            if role == "assistant" and version >= ASSISTANT_DOCUMENTS_END:
                toplevel.refuse(f"{path}: document blocks are not permitted in assistant messages", path)
            return _document(block, path, losses)
        case _:
            if any(text.citations for text in block.content) and role == "user" and version >= USER_CITATIONS_END:
                toplevel.refuse(f"{path}.content: citations are not permitted in user messages", f"{path}.content")
            return _found(block)


def _said(block: wire.TextBlock, path: str, role: Role, version: str) -> Text:
    if block.citations and role == "user" and version >= USER_CITATIONS_END:
        toplevel.refuse(f"{path}.citations: citations are not permitted in user messages", f"{path}.citations")
    return Text(block.text, cache_of(block.cache_control), _citations(block, path))


def _citations(block: wire.TextBlock, path: str) -> tuple[Citation, ...]:
    if not block.citations:
        return ()
    try:
        return tuple(read_citation(raw) for raw in block.citations)
    except msgspec.ValidationError as exc:
        toplevel.invalid(exc, f"{path}.citations")


def _thought(block: wire.ThinkingBlock | wire.RedactedBlock, path: str, role: Role, losses: Losses) -> Part | None:
    """Reasoning of the assistant. In a user message it could only be an attempt to put thoughts into its mind."""
    if role != "assistant":
        losses.drop(path)
        return None
    if isinstance(block, wire.RedactedBlock):
        return Thought(sealed=untagged(block.data, FAMILY), redacted=True)
    return Thought(block.thinking, untagged(block.signature, FAMILY) if block.signature else None)


def _result_parts(
    content: msgspec.Raw, path: str, losses: Losses
) -> tuple[Text | Image | Document | Audio | Video, ...]:
    given = bytes(content)
    if given in wire.NOTHING:
        return ()
    if given.startswith(b'"'):
        text: str = toplevel.typed(_string, content, path)
        return (Text(text),) if text else ()
    parts: list[Text | Image | Document | Audio | Video] = []
    for number, raw in enumerate(toplevel.typed(_raws, content, path)):
        where = f"{path}[{number}]"
        kind: str = toplevel.typed(_kind, raw, where).type
        if kind not in ("text", "image", "document", "search_result"):
            # References to tools, states of a browser: only the tools of Anthropic's own mean something by them.
            losses.drop(where)
            continue
        part = _part(strictly(_BLOCKS[kind], raw, where, losses), where, "tool", "", losses)
        if isinstance(part, _SHOWN):
            parts.append(part)
    return tuple(parts)


def _source(source: wire.Source, path: str) -> Source:
    match source.type:
        case "base64" if source.data is not None:
            return Source(media_type=source.media_type or "", data=source.data)
        case "url" if source.url:
            return Source(url=source.url)
        case "file" if source.file_id:
            return Source(file_id=source.file_id)
        case other:
            toplevel.refuse(f"{path}.source: a source of type '{other}' lacks what it names", f"{path}.source")


def _document(block: wire.DocumentBlock, path: str, losses: Losses) -> Part:
    cites = None if block.citations is None else block.citations.enabled
    text: str | None = None
    source = Source()
    if block.source.type == "text":
        text = block.source.data or ""
    elif block.source.type == "content":
        text = _content_text(block.source.content, f"{path}.source.content", losses)
    else:
        source = _source(block.source, path)
    cache = cache_of(block.cache_control)
    return Document(source, block.title or "", block.context or "", cites, text, cache)


def _content_text(content: msgspec.Raw, path: str, losses: Losses) -> str:
    """A document that the caller cut into blocks, as one text. Its citations count characters then, not blocks."""
    if bytes(content).startswith(b'"'):
        text: str = toplevel.typed(_string, content, path)
        return text
    texts: list[str] = []
    for number, raw in enumerate(toplevel.typed(_raws, content, path)):
        where = f"{path}[{number}]"
        if toplevel.typed(_kind, raw, where).type == "text":
            texts.append(strictly(_text, raw, where, losses).text)
        else:
            losses.refuse(where, "pictures inside a document are not supported. Send them as blocks of their own.")
    return "\n\n".join(texts)


def _found(block: wire.SearchResultBlock) -> Document:
    """A passage that the caller found: a text document with its source as context."""
    cites = None if block.citations is None else block.citations.enabled
    text = "\n\n".join(inner.text for inner in block.content)
    return Document(Source(), block.title, block.source, cites, text, cache_of(block.cache_control))
