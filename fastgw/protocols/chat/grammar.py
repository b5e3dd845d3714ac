"""The form of a custom tool's input: chat wraps what Responses, and with it the hub, spells flat.

`{"type":"grammar","grammar":{"syntax","definition"}}` here, `{"type":"grammar","syntax","definition"}` there
(OpenAI's API description, 2026-08). The definition stays the caller's own text.
"""

import msgspec

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_encode = msgspec.json.encode
_TYPE = msgspec.Raw(b'"grammar"')


def flat(raw: str) -> str:
    """The hub's spelling of chat's `format`."""
    fields = _fields(raw)
    inner = _fields(bytes(fields["grammar"]).decode()) if "grammar" in fields else {}
    return _encode({"type": _TYPE, **inner}).decode() if inner else raw


def wrapped(raw: str) -> str:
    """Chat's spelling of the hub's `format`."""
    fields = _fields(raw)
    inner = {name: value for name, value in fields.items() if name != "type"}
    return _encode({"type": _TYPE, "grammar": inner}).decode() if "definition" in inner else raw


def _fields(raw: str) -> dict[str, msgspec.Raw]:
    try:
        return _object.decode(raw)
    except msgspec.MsgspecError:
        return {}
