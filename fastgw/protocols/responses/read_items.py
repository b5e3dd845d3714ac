"""Items of a provider's answer as events: what unary answers hold, and what streams say at an item's end."""

import msgspec

from fastgw.protocols.hub.events import BlockStart, Kind

MARK = "\n\n"
"""Between two pieces of reasoning, which other dialects have no parts for."""


class Words(msgspec.Struct):
    """A part of a message, of reasoning or of a summary."""

    type: str = ""
    text: str | None = None
    refusal: str | None = None
    annotations: list[msgspec.Raw] | None = None
    logprobs: list[msgspec.Raw] | None = None

    @property
    def words(self) -> str:
        """Its text, whichever it is."""
        return self.refusal or "" if self.type == "refusal" else self.text or ""


class Item(msgspec.Struct):
    """What is read of any item."""

    type: str = ""
    id: str | None = None
    call_id: str | None = None
    name: str | None = None
    namespace: str | None = None
    arguments: msgspec.Raw = msgspec.Raw(b"null")
    input: str | None = None
    content: list[Words] | None = None
    summary: list[Words] | None = None
    encrypted_content: str | None = None
    result: str | None = None
    output_format: str | None = None


_item = msgspec.json.Decoder(Item)
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])
_string = msgspec.json.Decoder(str)


def read_item(raw: bytes | msgspec.Raw) -> Item:
    """An item; of one with unexpected types in it only the type. Raises `MsgspecError` for what is no object."""
    try:
        return _item.decode(raw)
    except msgspec.ValidationError:
        kind = bytes(_fields.decode(raw).get("type", b""))
        return Item(type=_string.decode(kind) if kind.startswith(b'"') else "")


def call_start(item: Item, at: int) -> BlockStart:
    """The beginning of a call, or of a block that only this dialect knows."""
    if item.type == "function_call":
        return BlockStart(at, Kind.TOOL_CALL, item.call_id or item.id or "", item.name or "")
    if item.type == "custom_tool_call":
        return BlockStart(at, Kind.CUSTOM_CALL, item.call_id or item.id or "", item.name or "")
    if item.type == "reasoning":
        return BlockStart(at, Kind.REASONING, item.id or "")
    if item.type == "image_generation_call":
        return BlockStart(at, Kind.IMAGE, item.id or "", media_type=f"image/{item.output_format or 'png'}")
    return BlockStart(at, Kind.OPAQUE, item.id or "", item.type)


def arguments_of(item: Item) -> str:
    """The text of a call. Some servers send the arguments as an object instead of its text."""
    if item.type == "custom_tool_call":
        return item.input or ""
    text = bytes(item.arguments)
    if text == b"null":
        return ""
    return _string.decode(text) if text.startswith(b'"') else text.decode()


def reasoning_of(item: Item) -> str:
    """All words of reasoning: the summary, then the reasoning itself."""
    return MARK.join(words.words for words in (*(item.summary or ()), *(item.content or ())) if words.words)
