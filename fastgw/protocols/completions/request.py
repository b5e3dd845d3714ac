"""The request of `POST /v1/completions` (OpenAI's API description of 2026-08): what is read of it, and its meaning.

A provider that has this endpoint gets the caller's own bytes. To any other the prompt is the one message of a
conversation; what no chat can do (several prompts, tokens, text behind the gap, the prompt repeated) goes to `same`,
for the provider's dialect to refuse: another candidate may have this endpoint.
"""

from typing import Any

import msgspec

from fastgw.protocols import toplevel
from fastgw.protocols.chat import peek as chat_peek
from fastgw.protocols.hub.conversation import Conversation, Sampling, Text, Turn
from fastgw.protocols.hub.dialect import FromPath, Peek
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.toplevel import Fields

CHOICES_MAX = 2_048
"""Answers to one request: OpenAI takes as many prompts (API reference, 2024)."""

_prompt: msgspec.json.Decoder[Any] = msgspec.json.Decoder(str | list[str | int | list[int]] | None)
_number = msgspec.json.Decoder(float | None)
_bias = msgspec.json.Decoder(dict[str, float] | None)
_stop = msgspec.json.Decoder(str | list[str] | None)
_string = msgspec.json.Decoder(str | None)

_NUMBERS = ("temperature", "top_p", "frequency_penalty", "presence_penalty")
_READ = frozenset((
    "model", "prompt", "stream", "stream_options", "max_tokens", "n", "best_of", "logprobs", "echo", "suffix", "stop",
    "logit_bias", "seed", "top_k", "user", *_NUMBERS,
))  # fmt: skip


def peek(fields: Fields, said: FromPath) -> Peek:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    model = toplevel.model(fields)
    if "prompt" not in fields:
        toplevel.refuse("Missing required parameter: 'prompt'.", "prompt")
    prompt = toplevel.field(_prompt, fields, "prompt")
    prompts = len(prompt) if isinstance(prompt, list) and prompt and not isinstance(prompt[0], int) else 1
    answers = max(chat_peek.choices(fields), _count(fields, "best_of") or 1) * prompts
    if answers > CHOICES_MAX:
        toplevel.refuse(f"'prompt' asks for more than {CHOICES_MAX} answers.", "prompt")
    return Peek(
        model=model,
        stream=chat_peek.streams(fields, said),
        output_cap=toplevel.cap(fields, "max_tokens"),
        choices=answers,
        wants_usage=chat_peek.wants_usage(fields),
    )


def decode_request(fields: Fields, said: FromPath, losses: Losses) -> Conversation:
    """Raises `GatewayError` (400) that names the JSON path of the mistake."""
    same = {name: raw for name, raw in fields.items() if name not in _READ and bytes(raw) != b"null"}
    prompt = _one_prompt(toplevel.field(_prompt, fields, "prompt") if "prompt" in fields else None, fields, same)
    if _value(_string, fields, "suffix"):
        same["suffix"] = fields["suffix"]
    if _value(toplevel.flag, fields, "echo"):
        same["echo"] = fields["echo"]
    n = _count(fields, "n")
    if (_count(fields, "best_of") or 1) > (n or 1):
        losses.drop("best_of")
    return Conversation(
        origin="completions",
        turns=(Turn("user", (Text(prompt),), plain=True),),
        stream=chat_peek.streams(fields, said),
        output_cap=toplevel.cap(fields, "max_tokens") or None,
        sampling=_sampling(fields, n),
        user=_value(_string, fields, "user") or "",
        same=same,
    )


def _one_prompt(prompt: Any, fields: Fields, same: Fields) -> str:
    """The text; what is more than one text, or none, goes to `same` by the path of what is wrong with it."""
    if isinstance(prompt, list) and len(prompt) == 1:
        prompt = prompt[0]
    if isinstance(prompt, str):
        return prompt
    if prompt is None or prompt == []:
        toplevel.refuse("'prompt' must hold a text.", "prompt")
    texts = isinstance(prompt, list) and all(isinstance(one, str) for one in prompt)
    same["prompt[1]" if texts else "prompt[0]"] = fields["prompt"]
    return ""


def _sampling(fields: Fields, n: int | None) -> Sampling:
    stop = _value(_stop, fields, "stop")
    bias = _value(_bias, fields, "logit_bias")
    tokens = _count(fields, "logprobs")
    return Sampling(
        **{name: _value(_number, fields, name) for name in _NUMBERS},
        **{name: _count(fields, name) for name in ("seed", "top_k")},
        n=n,
        logit_bias=bytes(fields["logit_bias"]).decode() if bias else "",
        stop=() if stop is None else (stop,) if isinstance(stop, str) else tuple(stop),
        logprobs=None if tokens is None else True,
        top_logprobs=tokens or None,
    )


def _count(fields: Fields, name: str) -> int | None:
    number: int | None = _value(toplevel.count, fields, name)
    return number


def _value(decoder: msgspec.json.Decoder[Any], fields: Fields, name: str) -> Any:
    return toplevel.field(decoder, fields, name) if name in fields else None
