"""A caller's request in the hub's words."""

from collections.abc import Sequence

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.gemini import wire
from fastgw.protocols.gemini.decode_config import Config, choice_of, config_of, tools_of
from fastgw.protocols.gemini.decode_parts import Calls, parts_of
from fastgw.protocols.gemini.fragments import Told, rejoined
from fastgw.protocols.gemini.peek import unwrapped
from fastgw.protocols.gemini.spelling import respelled
from fastgw.protocols.hub.conversation import Conversation, Role, Text, Turn
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.strict import decode
from fastgw.protocols.toplevel import Fields, refuse

_contents = msgspec.json.Decoder(list[wire.Content])
_usual_contents = msgspec.json.Decoder(list[wire.UsualContent])
_usual_content = msgspec.json.Decoder(wire.UsualContent)
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_flag = msgspec.json.Decoder(bool | None)

_ROLES: dict[str, Role] = {
    "user": "user", "function": "user", "tool": "user", "model": "assistant", "assistant": "assistant",
    "system": "system",
}  # fmt: skip
_NONE: frozenset[int] = frozenset()
_MAPPED = frozenset(
    ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier", "model")
)


def request(body: Fields, said: FromPath, losses: Losses) -> Conversation:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    fields = unwrapped(body)
    same = {name: value for name, value in fields.items() if name not in _MAPPED and not _null(value)}
    turns: list[Told] = []
    calls = Calls()
    if _has(fields, "systemInstruction"):
        told = _turns(fields["systemInstruction"], "systemInstruction", calls, losses)
        turns += [("system", parts, plain) for _, parts, plain in told]
    if not _has(fields, "contents"):
        refuse("Missing required parameter: 'contents'.", "contents")
    contents = _turns(fields["contents"], "contents", calls, losses)
    if not contents:
        refuse("'contents' must hold at least one content.", "contents")
    turns = rejoined(turns + contents)
    config = config_of(fields["generationConfig"], losses) if _has(fields, "generationConfig") else Config()
    choice = choice_of(fields["toolConfig"], same, losses) if _has(fields, "toolConfig") else None
    tier: str = toplevel.field(toplevel.string, fields, "serviceTier") if _has(fields, "serviceTier") else ""
    stateless = False
    if "store" in same:
        # False is a wish that every provider is told; true is one that only Google knows.
        if toplevel.field(_flag, same, "store") is False:
            stateless = True
            del same["store"]
    return Conversation(
        origin="gemini",
        turns=tuple(Turn(role, tuple(parts), plain=plain) for role, parts, plain in turns),
        stream=bool(said.stream),
        tools=tuple(tools_of(fields["tools"], losses)) if _has(fields, "tools") else (),
        tool_choice=choice,
        output_cap=config.output_cap,
        sampling=config.sampling,
        thinking=config.thinking,
        format=config.format,
        service_tier=tier,
        stateless=stateless,
        same=same | config.same,
    )


def _null(value: msgspec.Raw) -> bool:
    return bytes(value) == b"null"


def _has(fields: Fields, name: str) -> bool:
    return name in fields and not _null(fields[name])


def _turns(raw: msgspec.Raw, name: str, calls: Calls, losses: Losses) -> list[Told]:
    """A text, part or content, or a list of those, as turns."""
    turns: list[Told] = []
    contents, plain = _read(bytes(raw).strip(), name, losses)
    for number, content in enumerate(contents):
        role = _ROLES.get((content.role or "user").lower())
        if role is None:
            refuse(f"'{name}[{number}].role' must be 'user' or 'model'.", f"{name}[{number}].role")
        only = content.parts[0] if len(content.parts) == 1 else None
        if only is not None and _is_words(only):
            turns.append((role, [Text(only.text or "")], number in plain))
            continue
        parts = parts_of(content.parts, role, f"{name}[{number}].parts", calls, losses)
        turns.append((role, parts, number in plain))
    return turns


def _is_words(part: wire.UsualPart | wire.Part) -> bool:
    """It is a text and nothing else, as most contents are."""
    return (
        part.__class__ is wire.UsualPart
        and part.text is not None
        and part.thought is None
        and part.thought_signature is None
        and part.function_call is None
        and part.function_response is None
    )


def _read(data: bytes, name: str, losses: Losses) -> tuple[Sequence[wire.UsualContent | wire.Content], frozenset[int]]:
    """The contents, and the numbers of those that were bare texts."""
    data = respelled(data, wire.Content)
    try:
        if data.startswith(b"["):
            return _usual_contents.decode(data), _NONE
        if data.startswith(b"{"):
            return [_usual_content.decode(data)], _NONE
    except msgspec.MsgspecError:
        # There is more in it.
        pass
    if data.startswith(b"["):
        try:
            return _contents.decode(data), _NONE
        except msgspec.MsgspecError:
            # Not what the API's reference says; read one by one, as leniently as Google does, or refused by name.
            items = [bytes(item) for item in toplevel.typed(_raws, data, name)]
    else:
        items = [data]
    wrapped: list[bytes] = []
    for number, item in enumerate(items):
        if item.startswith(b'"'):
            wrapped.append(b'{"role":"user","parts":[{"text":' + item + b"}]}")
        elif not item.startswith(b"{"):
            refuse(f"Invalid value at '{name}[{number}]': expected an object.", f"{name}[{number}]")
        elif _is_part(item):
            wrapped.append(b'{"role":"user","parts":[' + item + b"]}")
        else:
            wrapped.append(_with_list_of_parts(item))
    contents = decode(_contents, respelled(b"[" + b",".join(wrapped) + b"]", wire.Content), name, losses)
    return contents, frozenset(number for number, item in enumerate(items) if item.startswith(b'"'))


def _is_part(item: bytes) -> bool:
    try:
        keys = _keys.decode(item).keys()
    except msgspec.MsgspecError:
        return False
    return bool(keys) and not keys & {"parts", "role"}


def _with_list_of_parts(item: bytes) -> bytes:
    """A content whose `parts` are a single part or a text gets a list of it."""
    if b'"parts"' not in item:
        return item
    try:
        fields = _keys.decode(item)
    except msgspec.MsgspecError:
        return item
    parts = bytes(fields.get("parts", b"[]")).strip()
    if parts.startswith(b"["):
        return item
    single = (
        b'[{"text":' + parts + b"}]" if parts.startswith(b'"') else b"[]" if parts == b"null" else b"[" + parts + b"]"
    )
    return msgspec.json.encode(fields | {"parts": msgspec.Raw(single)})
