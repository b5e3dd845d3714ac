"""What the gateway reads of a request before anything else, and the body for a provider of the same dialect."""

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.gemini import seals
from fastgw.protocols.gemini.spelling import camel, top
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.target import Target
from fastgw.protocols.toplevel import MODEL_LENGTH_MAX, Fields, refuse

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_objects = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_config = msgspec.json.Decoder(dict[str, msgspec.Raw] | None)
_count = msgspec.json.Decoder(int | None, strict=False)
_encode = msgspec.json.Encoder().encode

WRAPPERS = ("generateContentRequest", "generate_content_request")
"""Fields of `:countTokens` that hold a whole request."""
_COUNTED = ("maxoutputtokens", "candidatecount")
CHOICES_MAX = 128
"""Google's own bound is 8; a larger one of another provider stays possible."""


def unwrapped(fields: Fields) -> Fields:
    """The request itself, its fields in camel case: `:countTokens` may hold it inside `generateContentRequest`."""
    fields = top(fields)
    if "generateContentRequest" in fields:
        fields = top(toplevel.field(_object, fields, "generateContentRequest"))
        if "generateContentRequest" in fields:
            refuse("'generateContentRequest' must hold the request itself.", "generateContentRequest")
    return fields


def peek(body: Fields, said: FromPath) -> Peek:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    fields = unwrapped(body)
    model = said.model
    if not model and "model" in fields:
        model = toplevel.field(toplevel.string, fields, "model").removeprefix("models/")
    if not model or len(model) > MODEL_LENGTH_MAX:
        refuse(f"The path must name a model of 1 to {MODEL_LENGTH_MAX} characters.", "model")
    contents = bytes(fields.get("contents", msgspec.Raw(b"null"))).strip()
    if contents in (b"null", b'""') or not contents[1:-1].strip():
        refuse("'contents' must hold at least one content.", "contents")
    cap, choices = 0, 1
    if "generationConfig" in fields:
        given = toplevel.field(_config, fields, "generationConfig") or {}
        config = {camel(name): value for name, value in given.items()}
        cap = _number(config, "maxOutputTokens", 0)
        choices = _number(config, "candidateCount", 1) or 1
        if choices > CHOICES_MAX:
            path = "generationConfig.candidateCount"
            refuse(f"'{path}' must be between 1 and {CHOICES_MAX}.", path)
    # Cached content is known to the account that made it.
    pinned = bytes(fields.get("cachedContent", b"null")) != b"null"
    return Peek(model, bool(said.stream), cap, choices, pinned=pinned)


def with_cap(body: Fields, cap: int) -> Fields:
    """The request, out of its wrapper if it has one, with `cap` as its only `maxOutputTokens`, and with one
    `candidateCount`: the one that was counted. Of several spellings a server may heed another one than we do."""
    fields = unwrapped(body)
    given = toplevel.field(_config, fields, "generationConfig") if "generationConfig" in fields else None
    counted = {camel(name): raw for name, raw in (given or {}).items()}.get("candidateCount")
    config = {name: raw for name, raw in (given or {}).items() if _folded(name) not in _COUNTED}
    config["maxOutputTokens"] = toplevel.number(cap)
    if counted is not None:
        config["candidateCount"] = counted
    return fields | {"generationConfig": msgspec.Raw(_encode(config))}


def _folded(name: str) -> str:
    return name.casefold().replace("_", "")


def _number(config: Fields, name: str, default: int) -> int:
    if name not in config:
        return default
    path = f"generationConfig.{name}"
    value: int | None = toplevel.typed(_count, config[name], path)
    if value is not None and value < 0:
        refuse(f"'{path}' must not be negative.", path)
    return default if value is None else min(value, 2**31)


def splice(body: Fields, target: Target) -> bytes:
    """The body for a provider of the same dialect: the caller's own, since the path names the model.

    Three things change where they occur: a `model` in the body, which must agree with the path; fields that the lane
    wants in any case; and signatures of another family, which Google answers 400 to.
    """
    changed = dict(body)
    model = msgspec.Raw(_encode(f"models/{target.model}"))
    if "model" in changed:
        changed["model"] = model
    for name in ("generateContentRequest", "generate_content_request"):
        if name in changed:
            inner = toplevel.field(_object, changed, name)
            changed[name] = msgspec.Raw(_encode(_unsealed(inner, target) | {"model": model}))
    for name, value in target.abilities.extra.items():
        if name not in changed:
            changed[name] = value
    return _encode(_unsealed(changed, target))


def _unsealed(fields: Fields, target: Target) -> Fields:
    if "contents" not in fields or not seals.may_hold_foreign(bytes(fields["contents"])):
        return fields
    try:
        contents = _objects.decode(fields["contents"])
        made = [_without_foreign(content, target) for content in contents]
    except msgspec.MsgspecError:
        return fields
    return fields | {"contents": msgspec.Raw(_encode([content for content in made if content is not None]))}


def _without_foreign(content: Fields, target: Target) -> Fields | None:
    """The content without foreign signatures and the reasoning they belong to; None if nothing else was in it."""
    if "parts" not in content or not seals.may_hold_foreign(bytes(content["parts"])):
        return content
    kept: list[Fields] = []
    for part in _objects.decode(content["parts"]):
        name = next((key for key in ("thoughtSignature", "thought_signature") if key in part), "")
        if not name or not seals.foreign(toplevel.string.decode(part[name])):
            kept.append(part)
            continue
        left = {key: value for key, value in part.items() if key != name}
        call = left.keys() & {"functionCall", "function_call"}
        if call and target.abilities.signatures_demanded:
            kept.append(left | {name: msgspec.Raw(_encode(seals.DUMMY))})
        elif call or ("thought" not in left and bytes(left.get("text", msgspec.Raw(b'"?"'))) != b'""'):
            kept.append(left)
    return content | {"parts": msgspec.Raw(_encode(kept))} if kept else None
