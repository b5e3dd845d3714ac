"""What the sandbox says: from a request to an answer as a value. No I/O, no clock, nothing random."""

import re
from itertools import cycle, islice, pairwise
from typing import Any

import msgspec

from fastgw.sandbox import knobs
from fastgw.sandbox.example import example
from fastgw.sandbox.knobs import Knobs
from fastgw.sandbox.request import BadRequest, Chat, Function, media_of, text_of

PREFIX = "[sandbox] "
"""Begins each answer in prose, so that nobody takes it for a model's."""
IMAGE_TOKENS = 85
"""What a picture costs at OpenAI in low detail (its vision guide, 2026-08)."""
MESSAGE_TOKENS = 4
"""Around each message: role and separators."""
BYTES_PER_TOKEN = 4
ECHO_CHARS_MAX = 100_000
"""A longer prompt is repeated up to here."""
PIECES_MAX = 500_000
"""Pieces times choices times log probabilities of one answer: about 100 MB as JSON."""

_PIECE = re.compile(r"\S+\s*|\s+")


class Call(msgspec.Struct, frozen=True):
    """One tool call."""

    name: str
    arguments: str
    """A JSON object."""


class Answer(msgspec.Struct, frozen=True):
    """Everything that an answer holds but its id and time."""

    model: str
    knobs: Knobs
    pieces: tuple[str, ...]
    """The text, as a stream gives it; empty when there are only tool calls."""
    calls: tuple[Call, ...]
    finish_reason: str
    choices: int
    prompt_tokens: int
    completion_tokens: int
    logprobs: bool
    top_logprobs: int


def compose(chat: Chat) -> Answer:
    """The answer to a request. Raises `BadRequest` and `knobs.UnknownModel`."""
    last = next((one for one in reversed(chat.messages) if one.role in {"user", "tool"}), chat.messages[-1])
    try:
        model, asked, prompt = knobs.read(chat.model, text_of(last))
    except knobs.BadKnob as error:
        raise BadRequest(str(error), "model") from error
    calls = _calls(chat, asked, answered=chat.messages[-1].role == "tool")
    text = "" if calls else _text(chat, asked, prompt, media_of(last))
    pieces = _pieces(text, asked.chunks)
    cap = chat.max_completion_tokens or chat.max_tokens
    finish_reason = "tool_calls" if calls else "stop"
    if cap is not None and cap < len(pieces):
        pieces, finish_reason = pieces[:cap], "length"
    choices = chat.n or 1
    logprobs = 1 + (chat.top_logprobs or 0) if chat.logprobs else 0
    if len(pieces) * choices * (1 + logprobs) > PIECES_MAX:
        raise BadRequest("The answer would be too long: ask for fewer words, chunks, choices or log probabilities.")
    said = sum(len(call.name) + len(call.arguments) for call in calls)
    return Answer(
        model=model,
        knobs=asked,
        pieces=pieces,
        calls=calls,
        finish_reason=finish_reason,
        choices=choices,
        prompt_tokens=_prompt_tokens(chat),
        completion_tokens=choices * (len(pieces) + -(-said // BYTES_PER_TOKEN)),
        logprobs=bool(chat.logprobs),
        top_logprobs=chat.top_logprobs or 0,
    )


def _text(chat: Chat, asked: Knobs, prompt: str, media: int) -> str:
    if chat.response_format is not None and chat.response_format.type != "text":
        schema = chat.response_format.json_schema
        value: Any = {"sandbox": prompt[:ECHO_CHARS_MAX]} if schema is None else example(schema.schema)
        return _json(value)
    text = PREFIX + (prompt[:ECHO_CHARS_MAX] or "Nothing was said.")
    if media:
        text += f" (with {media} part{'s' if media > 1 else ''} that {'are' if media > 1 else 'is'} no text)"
    if asked.words:
        text = " ".join(islice(cycle(text.split()), asked.words))
    return text


def _pieces(text: str, chunks: int) -> tuple[str, ...]:
    """One piece per word, like tokens; or exactly `chunks` pieces."""
    if not text:
        return ()
    words = _PIECE.findall(text)
    if not chunks:
        return tuple(words)
    if chunks > len(words):
        words[-1] += "" if words[-1][-1].isspace() else " "
        return tuple(islice(cycle(words), chunks))
    size, more = divmod(len(words), chunks)
    ends = [size * index + min(index, more) for index in range(chunks + 1)]
    return tuple("".join(words[start:end]) for start, end in pairwise(ends))


def _calls(chat: Chat, asked: Knobs, *, answered: bool) -> tuple[Call, ...]:
    """Tool calls: when the model makes them, or the caller insists; not in reply to a tool's result."""
    functions = [tool.function for tool in chat.tools or () if tool.function is not None]
    choice = chat.tool_choice
    if isinstance(choice, dict) and isinstance(chosen := choice.get("function"), dict):
        functions = [one for one in functions if one.name == chosen.get("name")]
        if not functions:
            raise BadRequest("The function that tool_choice names is not among the tools.", "tool_choice")
    insists = choice == "required" or isinstance(choice, dict)
    count = asked.tools or int(insists)
    if not functions or not count or choice == "none" or (answered and not insists):
        return ()
    return tuple(_call(function) for function in islice(cycle(functions), count))


def _call(function: Function) -> Call:
    arguments = example(function.parameters)
    return Call(function.name, _json(arguments if isinstance(arguments, dict) else {}))


def _json(value: Any) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except (OverflowError, RecursionError) as error:
        raise BadRequest("A schema holds a constant that is too large.") from error


def _prompt_tokens(chat: Chat) -> int:
    """About four bytes a token, a fixed price for pictures, and the tools' schemas: plausible, not exact."""
    written = sum(len(text_of(message)) for message in chat.messages)
    if chat.tools:
        written += len(msgspec.json.encode(chat.tools))
    media = sum(media_of(message) for message in chat.messages)
    return -(-written // BYTES_PER_TOKEN) + MESSAGE_TOKENS * len(chat.messages) + IMAGE_TOKENS * media
