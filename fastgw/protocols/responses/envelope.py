"""The response object that callers get: what it repeats of the question, and what it says of the answer.

It has every field that OpenAI's description or Open Responses demands, also while the answer is still under way.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.errors.openai import code_of
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.responses.peek import present
from fastgw.protocols.responses.usage import said
from fastgw.usage import Usage

_NULL = msgspec.Raw(b"null")
_DEFAULTS: dict[str, msgspec.Raw] = {
    "instructions": _NULL,
    "max_output_tokens": _NULL,
    "max_tool_calls": _NULL,
    "metadata": msgspec.Raw(b"{}"),
    "parallel_tool_calls": msgspec.Raw(b"true"),
    "previous_response_id": _NULL,
    "prompt_cache_key": _NULL,
    "safety_identifier": _NULL,
    "temperature": msgspec.Raw(b"1.0"),
    "tool_choice": msgspec.Raw(b'"auto"'),
    "top_logprobs": msgspec.Raw(b"0"),
    "top_p": msgspec.Raw(b"1.0"),
    "truncation": msgspec.Raw(b'"disabled"'),
}
"""What the answer repeats of the question, and what it says where the caller said nothing."""
_IF_SAID = ("user", "prompt_cache_retention")
_FUNCTION: dict[str, msgspec.Raw] = dict.fromkeys(("description", "parameters", "strict"), _NULL)
_REASONING: dict[str, msgspec.Raw] = dict.fromkeys(("effort", "summary"), _NULL)
_TEXT: dict[str, msgspec.Raw] = {"format": msgspec.Raw(b'{"type":"text"}')}
_CONTEXT, _QUOTA = "context_length_exceeded", "insufficient_quota"
_CODES = frozenset((_CONTEXT, _QUOTA))
"""Codes that clients act upon (Codex compacts its history, or stops), although the description does not list them."""

_encode = msgspec.json.Encoder().encode
_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])


class Envelope:
    """Makes the response object of one answer, as often as it is needed."""

    __slots__ = ("_head", "_now_s", "_tail", "id")

    def __init__(self, setting: Setting) -> None:
        self.id = f"resp_{setting.exchange_id}"
        self._now_s = setting.created_s
        self._head = _encode({"id": self.id, "object": "response", "created_at": setting.created_s})[:-1]
        self._tail = _encode(_repeated(setting.fields, setting.model))[1:]

    def response(
        self,
        status: str,
        output: Sequence[bytes] = (),
        usage: Usage | None = None,
        *,
        error: tuple[str, str] | None = None,
        incomplete: str | None = None,
    ) -> bytes:
        """The object. `output` are whole items, `error` is code and message, `incomplete` the reason why."""
        told = {
            "status": status,
            "completed_at": self._now_s if status == "completed" else None,
            "error": None if error is None else {"code": error[0], "message": error[1]},
            "incomplete_details": None if incomplete is None else {"reason": incomplete},
            "usage": None if usage is None else said(usage),
        }
        return b"".join((
            self._head, b",", _encode(told)[1:-1], b',"output":[', b",".join(output), b"],", self._tail
        ))  # fmt: skip


def failure(error: GatewayError) -> tuple[str, str]:
    """Code and message of a failed response: of OpenAI's closed list of codes, or one that clients act upon."""
    code = error.code or code_of(error.kind)
    if code in _CODES:
        return code, error.message
    match error.kind:
        case ErrorKind.RATE_LIMITED | ErrorKind.UPSTREAM_RATE_LIMITED:
            return "rate_limit_exceeded", error.message
        case ErrorKind.BAD_REQUEST | ErrorKind.UPSTREAM_REFUSED:
            return "invalid_prompt", error.message
    return "server_error", error.message


def _repeated(fields: Mapping[str, msgspec.Raw], model: str) -> dict[str, Any]:
    repeated: dict[str, Any] = {"model": model, "background": False, "store": False, **_DEFAULTS}
    for name in _DEFAULTS.keys() & fields.keys():
        if present(fields, name):
            repeated[name] = fields[name]
    for name in _IF_SAID:
        if name in fields and present(fields, name):
            repeated[name] = fields[name]
    tier = fields.get("service_tier", _NULL)
    repeated["service_tier"] = "default" if bytes(tier) in {b"null", b'"auto"'} else tier
    repeated["reasoning"] = _filled(fields, "reasoning", _REASONING)
    repeated["text"] = _filled(fields, "text", _TEXT)
    tools = _list.decode(fields["tools"]) if "tools" in fields and present(fields, "tools") else []
    repeated["tools"] = [_tool(raw) for raw in tools]
    # Neither can be asked for; Open Responses (2026-04-24) wants them all the same.
    repeated["presence_penalty"] = repeated["frequency_penalty"] = 0.0
    return repeated


def _filled(fields: Mapping[str, msgspec.Raw], name: str, defaults: dict[str, msgspec.Raw]) -> dict[str, msgspec.Raw]:
    if name not in fields or not present(fields, name):
        return defaults
    given = _object.decode(fields[name])
    return defaults | {key: raw for key, raw in given.items() if bytes(raw) != b"null"}


def _tool(raw: msgspec.Raw) -> dict[str, msgspec.Raw]:
    tool = _object.decode(raw)
    return _FUNCTION | tool if bytes(tool.get("type", _NULL)) == b'"function"' else tool
