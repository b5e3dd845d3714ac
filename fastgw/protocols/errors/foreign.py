"""Errors as providers report them, in whatever shape, read once and made fit to be shown.

Shapes, each from the vendor's documentation or SDK (2026-11):

- OpenAI and most others `{"error":{"message","type","param","code"}}`, Ollama `{"error":"..."}`, xAI
  `{"code","error":"..."}`, OpenRouter with the first provider's own body in `error.metadata.raw`;
- vLLM and Mistral without the envelope, `{"object":"error","message","param","code"}`; Mistral's message may be
  FastAPI's `{"detail":[{"loc","msg"}]}`, which also comes alone, or as text in `detail`;
- Anthropic `{"type":"error","error":{"type","message","details":{"error_code"}}}`;
- Google `{"error":{"code","message","status","details"}}`, from some routes as the one element of an array;
- Bedrock `{"message"}` or `{"__type":"...#ValidationException","Message"}`, Cohere `{"message","id"}`, DashScope, Kling
  and Ark `{"code","message"}`, MiniMax `{"base_resp":{"status_code","status_msg"}}`, Cloudflare `{"errors":[{...}]}`.
"""

import re
from typing import Any

import msgspec

MESSAGE_LENGTH_MAX = 2_000
NO_REASON = "The provider gave no reason."

_PATTERNS = (
    r"(?i:https?://\S+)",
    r"(?i:arn:aws[\w-]*:\S+)",
    r"[\w.+-]{1,64}+@[\w-]+\.[\w.-]+",
    r"(?i:\b(?:[a-z0-9-]{1,63}+\.){1,8}(?:com|net|org|io|ai|dev|cn|cloud|local|internal|us|eu)\b(?::\d+)?\S*)",
    r"\b\d{1,3}(?:\.\d{1,3}){3}(?::\d+)?",
    # Keys and ids of accounts: by a prefix, then what no word of a sentence looks like.
    r"(?i:\bsk[-_][\w*-]{8,})",
    r"(?i:\b(?:AIza|AKIA|ASIA|gsk_|xai-|ya29\.|AQ\.))[\w*.-]{8,}",
    r"\b(?:key|org|proj|req|user|acct)[-_](?=[\w*-]{0,64}(?:\d|\*|[a-z][A-Z]))[\w*-]{8,}",
    # Projects, accounts and the like that are named: `projects/12/...`, "project my-thing-12", "account 1234567890".
    r"(?i:\b(?:projects|folders|organizations|billingAccounts)/[^\s\"',;]+)",
    r"(?i:\b(?:project|team|organization|organisation|account|workspace|tenant|subscription|resource group)"
    r"(?:[ _]?(?:id|number|name))?[\s:=/#`'\"]{1,4}(?=[\w.-]{0,64}(?:\d|\w-))[\w.-]{3,})",
    # AWS numbers its accounts with 12 digits.
    r"(?<![\w.])\d{12}(?![\w.])",
)
_SECRETS = re.compile("|".join(_PATTERNS))

_decode = msgspec.json.Decoder().decode


class Foreign(msgspec.Struct, frozen=True):
    """What a provider said about a failure, fit to be shown: no URL, host, address, key or account id is left in it."""

    message: str
    param: str | None = None
    code: str | None = None


def read_foreign(body: bytes) -> Foreign | None:
    """The error inside a provider's answer; None if the body holds none that can be read (plain text, HTML)."""
    return _read(body, nested=False)


def _read(body: bytes | str, *, nested: bool) -> Foreign | None:
    try:
        outer = _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    if isinstance(outer, list):
        outer = outer[0] if outer else None
    if not isinstance(outer, dict):
        return None
    inner = outer.get("error")
    if not inner and isinstance(errors := outer.get("errors"), list) and errors:
        inner = errors[0]
    if not inner and isinstance(inner := outer.get("base_resp"), dict):
        inner = {"message": inner.get("status_msg"), "code": inner.get("status_code")}
    if isinstance(inner, dict) and inner:
        return _wrapped(inner, nested=nested)
    if isinstance(inner, str) and inner:
        return _made(inner, None, _word(outer.get("code")))
    message, param = _message(outer)
    return _made(message, param, _flat_code(outer)) if message else None


def _wrapped(inner: dict[Any, Any], *, nested: bool) -> Foreign:
    """The value of `error`."""
    metadata = inner.get("metadata")
    raw = metadata.get("raw") if isinstance(metadata, dict) else None
    if isinstance(raw, str) and raw and not nested:
        # OpenRouter's own message is only that the provider returned an error.
        first = _read(raw, nested=True)
        if first is not None:
            return first
    message, param = _message(inner)
    return _made(message or NO_REASON, param or _violation(inner.get("details")), _inner_code(inner))


def _message(said: dict[Any, Any]) -> tuple[str | None, str | None]:
    """The words and the path among the fields of an error."""
    for name in ("message", "Message", "msg", "detail"):
        value = said.get(name)
        if isinstance(value, dict):
            value = value.get("detail") or value.get("message")
        if isinstance(value, str) and value:
            return value, _word(said.get("param"))
        if isinstance(value, list) and value:
            return _located(value)
    return None, None


def _located(details: list[Any]) -> tuple[str | None, str | None]:
    """FastAPI's list of `{"loc":["body","messages",0],"msg"}`: its first mistake."""
    first = details[0]
    if not isinstance(first, dict):
        return (first, None) if isinstance(first, str) and first else (None, None)
    where = first.get("loc")
    path = ""
    for step in where if isinstance(where, list) else ():
        if step != "body":
            path += f"[{step}]" if isinstance(step, int) else f".{step}" if path else str(step)
    return _word(first.get("msg")), path or None


def _violation(details: Any) -> str | None:
    """The path in Google's `BadRequest` detail."""
    for detail in details if isinstance(details, list) else ():
        violations = detail.get("fieldViolations") if isinstance(detail, dict) else None
        if isinstance(violations, list) and violations and isinstance(violations[0], dict):
            return _word(violations[0].get("field"))
    return None


def _inner_code(inner: dict[Any, Any]) -> str | None:
    """The most telling name of the cause: Anthropic's, Google's, else `code`."""
    details = inner.get("details")
    named = details.get("error_code") if isinstance(details, dict) else None
    status = inner.get("status")
    # Azure's `status` is a number and says less than its `code`.
    return _word(named) or (status if isinstance(status, str) and status else None) or _word(inner.get("code"))


def _flat_code(outer: dict[Any, Any]) -> str | None:
    kind = _word(outer.get("__type"))
    return kind.rpartition("#")[2] if kind else _word(outer.get("code"))


def _word(value: Any) -> str | None:
    """A field of text or a number, None for any other value and for an empty one."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return None
    return str(value) or None


def _made(message: str, param: str | None, code: str | None) -> Foreign:
    return Foreign(redact(message), param and redact(param), code and redact(code))


def redact(text: str) -> str:
    """`text` without what could lead to the provider or its account, cut to a bounded length."""
    return _SECRETS.sub("[redacted]", text[: 4 * MESSAGE_LENGTH_MAX])[:MESSAGE_LENGTH_MAX]
