"""Errors as providers report them, in whatever shape, read once and made fit to be shown."""

import re

import msgspec


class _ForeignError(msgspec.Struct):
    message: str | None = None
    type: str | None = None
    param: str | None = None
    code: str | int | None = None


class _ForeignEnvelope(msgspec.Struct):
    error: _ForeignError | str | None = None
    message: str | None = None
    detail: str | None = None


_foreign = msgspec.json.Decoder(_ForeignEnvelope, strict=False)

_SECRETS = re.compile(
    r"https?://\S+|\b(?:[a-z0-9-]{1,63}+\.){1,8}(?:com|net|org|io|ai|dev|cn|cloud|local|internal)\b(?::\d+)?\S*"
    r"|\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?|\b(?:sk|key|org|proj|req|xai|gsk|AIza)[-_]?[A-Za-z0-9_*-]{8,}",
    re.IGNORECASE,
)
MESSAGE_LENGTH_MAX = 2_000


class Foreign(msgspec.Struct, frozen=True):
    """What a provider said about a failure, fit to be shown: no URL, host, address, key or account id is left in it."""

    message: str
    param: str | None = None
    code: str | None = None


def read_foreign(body: bytes) -> Foreign | None:
    """The error inside a provider's answer; None if the body holds none that can be read."""
    try:
        envelope = _foreign.decode(body)
    except msgspec.MsgspecError:
        return None
    inner = envelope.error
    if isinstance(inner, str):
        inner = _ForeignError(message=inner)
    if inner is None:
        text = envelope.message or envelope.detail
        return Foreign(redact(text)) if text else None
    code = None if inner.code is None else redact(str(inner.code))
    return Foreign(redact(inner.message or "The provider gave no reason."), inner.param and redact(inner.param), code)


def redact(text: str) -> str:
    """`text` without what could lead to the provider or its account, cut to a bounded length."""
    return _SECRETS.sub("[redacted]", text[: 4 * MESSAGE_LENGTH_MAX])[:MESSAGE_LENGTH_MAX]
