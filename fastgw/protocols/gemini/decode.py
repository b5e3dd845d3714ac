"""A caller's request in the hub's words."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.gemini import seals, wire
from fastgw.protocols.gemini.decode_config import Config, choice_of, config_of, tools_of
from fastgw.protocols.gemini.decode_parts import Calls, parts_of
from fastgw.protocols.gemini.peek import unwrapped
from fastgw.protocols.gemini.spelling import respelled
from fastgw.protocols.hub.conversation import Conversation, Part, Role, Text, Thought, Turn
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.strict import decode
from fastgw.protocols.toplevel import Fields, refuse

_contents = msgspec.json.Decoder(list[wire.Content])
_raws = msgspec.json.Decoder(list[msgspec.Raw])
_keys = msgspec.json.Decoder(dict[str, msgspec.Raw])
_flag = msgspec.json.Decoder(bool | None)

_ROLES: dict[str, Role] = {
    "user": "user", "function": "user", "tool": "user", "model": "assistant", "assistant": "assistant",
    "system": "system",
}  # fmt: skip
_MAPPED = frozenset(
    ("contents", "systemInstruction", "tools", "toolConfig", "generationConfig", "serviceTier", "model")
)


def request(body: Fields, said: FromPath, losses: Losses) -> Conversation:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    fields = unwrapped(body)
    same = {name: value for name, value in fields.items() if name not in _MAPPED and not _null(value)}
    turns: list[tuple[Role, list[Part], bool]] = []
    calls = Calls()
    if _has(fields, "systemInstruction"):
        system = _listed(fields["systemInstruction"], "systemInstruction")
        turns += [("system", parts, plain) for _, parts, plain in _turns(system, "systemInstruction", calls, losses)]
    if not _has(fields, "contents"):
        refuse("Missing required parameter: 'contents'.", "contents")
    contents = _listed(fields["contents"], "contents")
    if not contents:
        refuse("'contents' must hold at least one content.", "contents")
    turns += _turns(contents, "contents", calls, losses)
    _rejoin(turns)
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


def _listed(raw: msgspec.Raw, name: str) -> list[bytes]:
    """The single items of what may be a string, a part, a content, or a list of those."""
    data = bytes(raw).strip()
    if data.startswith(b"["):
        return [bytes(item) for item in toplevel.typed(_raws, data, name)]
    return [data]


def _turns(items: list[bytes], name: str, calls: Calls, losses: Losses) -> list[tuple[Role, list[Part], bool]]:
    """Items that are texts, parts or contents, as turns. The texts and parts that follow each other are one turn."""
    wrapped: list[bytes] = []
    plain: list[bool] = []
    for number, item in enumerate(items):
        kind = item[:1]
        if kind == b'"':
            wrapped.append(b'{"role":"user","parts":[{"text":' + item + b"}]}")
        elif kind == b"{" and _is_part(item):
            wrapped.append(b'{"role":"user","parts":[' + item + b"]}")
        elif kind == b"{":
            wrapped.append(_with_list_of_parts(item))
        else:
            refuse(f"Invalid value at '{name}[{number}]': expected an object.", f"{name}[{number}]")
        plain.append(kind == b'"')
    contents = decode(_contents, respelled(b"[" + b",".join(wrapped) + b"]", wire.Content), name, losses)
    turns: list[tuple[Role, list[Part], bool]] = []
    for number, content in enumerate(contents):
        said = (content.role or "user").lower()
        role = _ROLES.get(said)
        if role is None:
            refuse(f"'{name}[{number}].role' must be 'user' or 'model'.", f"{name}[{number}].role")
        parts = parts_of(content.parts, role, f"{name}[{number}].parts", calls, losses)
        turns.append((role, parts, plain[number]))
    return turns


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


def _rejoin(turns: list[tuple[Role, list[Part], bool]]) -> None:
    """Another family's seal signs all of its reasoning, which a streaming caller sends back in the pieces that it got,
    often in a content each: they become one thought again, where the seal stands."""
    pieces: list[tuple[list[Part], Thought]] = []
    for role, parts, _ in turns:
        if role != "assistant":
            pieces.clear()
            continue
        for part in list(parts):
            if not isinstance(part, Thought):
                if not (isinstance(part, Text) and not part.text and part.sealed is None):
                    pieces.clear()
            elif part.sealed is None:
                pieces.append((parts, part))
            else:
                if part.sealed.family != seals.FAMILY and not part.redacted and pieces:
                    text = "".join(piece.text for _, piece in pieces) + part.text
                    _replace(parts, part, Thought(text, part.sealed))
                    for home, piece in pieces:
                        _remove(home, piece)
                pieces.clear()


def _replace(parts: list[Part], old: Part, new: Part) -> None:
    parts[_at(parts, old)] = new


def _remove(parts: list[Part], old: Part) -> None:
    del parts[_at(parts, old)]


def _at(parts: list[Part], wanted: Part) -> int:
    return next(number for number, part in enumerate(parts) if part is wanted)
