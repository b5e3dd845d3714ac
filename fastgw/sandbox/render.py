"""OpenAI's wire shapes of chat completions (API description of 2026-08), from an answer to bytes."""

from collections.abc import Iterator
from typing import Any

import msgspec

from fastgw.sandbox.compose import Answer
from fastgw.sandbox.knobs import MODELS

FINGERPRINT = "fp_fastgw_sandbox"
CREATED_S = 1_767_225_600
"""When the models were made, as lists say it: 2026-01-01."""
ARGUMENT_CHARS = 16
"""Length of the pieces in which a stream gives a tool call's arguments."""
_LOGPROB = -0.125
_encode = msgspec.json.encode


class Stamp(msgspec.Struct, frozen=True):
    """What makes one answer differ from the same answer given again."""

    number: str
    """Letters and digits."""
    created_s: int


def completion(answer: Answer, stamp: Stamp) -> bytes:
    """The unary answer."""
    message: dict[str, Any] = {
        "role": "assistant",
        "content": "".join(answer.pieces) if not answer.calls else None,
        "refusal": None,
        "annotations": [],
    }
    choices = []
    for index in range(answer.choices):
        if answer.calls:
            message["tool_calls"] = [_call(answer, stamp, index, place) for place in range(len(answer.calls))]
        logprobs = _logprobs(answer, answer.pieces) if answer.logprobs else None
        finish = answer.finish_reason
        choices.append({"index": index, "message": dict(message), "logprobs": logprobs, "finish_reason": finish})
    return _encode(_frame(answer, stamp, "chat.completion") | {"choices": choices, "usage": _usage(answer)})


def events(answer: Answer, stamp: Stamp, *, include_usage: bool) -> Iterator[bytes]:
    """The stream's events, each with the empty line that ends it. The first of each choice only opens it."""
    frame = _frame(answer, stamp, "chat.completion.chunk")
    more: dict[str, Any] = {"usage": None} if include_usage else {}

    def chunk(index: int, delta: dict[str, Any], *, finish: str | None = None, logprobs: Any = None) -> bytes:
        choice = {"index": index, "delta": delta, "logprobs": logprobs, "finish_reason": finish}
        return _event(frame | {"choices": [choice]} | more)

    for index in range(answer.choices):
        opening = {"role": "assistant", "content": None if answer.calls else "", "refusal": None}
        yield chunk(index, opening)
    for piece in answer.pieces:
        logprobs = _logprobs(answer, (piece,)) if answer.logprobs else None
        for index in range(answer.choices):
            yield chunk(index, {"content": piece}, logprobs=logprobs)
    for index in range(answer.choices):
        for delta in _call_deltas(answer, stamp, index):
            yield chunk(index, {"tool_calls": [delta]})
    for index in range(answer.choices):
        yield chunk(index, {}, finish=answer.finish_reason)
    if include_usage:
        yield _event(frame | {"choices": [], "usage": _usage(answer)})
    yield b"data: [DONE]\n\n"


def models() -> bytes:
    """The list of models."""
    return _encode({"object": "list", "data": [_model(name) for name in MODELS]})


def model(name: str) -> bytes | None:
    """One model, None when there is none of this name."""
    return _encode(_model(name)) if name in MODELS else None


def error(message: str, kind: str, *, param: str | None = None, code: str | None = None) -> bytes:
    """The body of an error answer."""
    return _encode({"error": {"message": message, "type": kind, "param": param, "code": code}})


def _event(value: dict[str, Any]) -> bytes:
    return b"data: " + _encode(value) + b"\n\n"


def _frame(answer: Answer, stamp: Stamp, kind: str) -> dict[str, Any]:
    return {
        "id": f"chatcmpl-sandbox-{stamp.number}",
        "object": kind,
        "created": stamp.created_s,
        "model": answer.model,
        "service_tier": "default",
        "system_fingerprint": FINGERPRINT,
    }


def _model(name: str) -> dict[str, Any]:
    return {"id": name, "object": "model", "created": CREATED_S, "owned_by": "fastgw-sandbox"}


def _usage(answer: Answer) -> dict[str, Any]:
    zeros = {
        "reasoning_tokens": 0,
        "audio_tokens": 0,
        "accepted_prediction_tokens": 0,
        "rejected_prediction_tokens": 0,
    }
    return {
        "prompt_tokens": answer.prompt_tokens,
        "completion_tokens": answer.completion_tokens,
        "total_tokens": answer.prompt_tokens + answer.completion_tokens,
        "prompt_tokens_details": {"cached_tokens": 0, "audio_tokens": 0},
        "completion_tokens_details": zeros,
    }


def _call(answer: Answer, stamp: Stamp, choice: int, place: int) -> dict[str, Any]:
    call = answer.calls[place]
    return {
        "id": f"call_{stamp.number}_{choice}_{place}",
        "type": "function",
        "function": {"name": call.name, "arguments": call.arguments},
    }


def _call_deltas(answer: Answer, stamp: Stamp, choice: int) -> Iterator[dict[str, Any]]:
    for place, call in enumerate(answer.calls):
        opened = _call(answer, stamp, choice, place)
        yield {"index": place} | opened | {"function": {"name": call.name, "arguments": ""}}
        for start in range(0, len(call.arguments), ARGUMENT_CHARS):
            yield {"index": place, "function": {"arguments": call.arguments[start : start + ARGUMENT_CHARS]}}


def _logprobs(answer: Answer, pieces: tuple[str, ...]) -> dict[str, Any]:
    content = []
    for piece in pieces:
        ranked = [_token(piece, 0)] + [_token(f"{piece}?{rank}", rank) for rank in range(1, answer.top_logprobs)]
        content.append(ranked[0] | {"top_logprobs": ranked[: answer.top_logprobs]})
    return {"content": content, "refusal": None}


def _token(text: str, rank: int) -> dict[str, Any]:
    return {"token": text, "logprob": _LOGPROB - rank, "bytes": list(text.encode())}
