"""The types of Anthropic's and Google's SDKs as judges of requests: nothing is in them that the types do not have."""

import os
from collections.abc import Iterable, Sequence
from functools import cache
from types import UnionType
from typing import IO, Annotated, Any, NotRequired, Required, Union

import pydantic
import typing_extensions
from anthropic.types.message_create_params import MessageCreateParamsNonStreaming, MessageCreateParamsStreaming
from google.genai import types

SAMPLING = {"temperature", "top_p", "top_k"}
"""Version 2023-06-01 of Anthropic's API takes them; the SDK's types are of 2026-10-21, which does not."""


def assert_messages(body: dict[str, Any]) -> None:
    """Hold the body of a request of version 2023-06-01 against what Anthropic's SDK would send."""
    body = {name: value for name, value in body.items() if name not in SAMPLING}
    _messages(body.get("stream") is True).validate_python(body)


def assert_gemini(body: dict[str, Any]) -> None:
    """Hold the body of a request against what Google's SDK would send."""
    GenerateContent.model_validate(body)
    _no_snakes(body)


class GenerateContent(pydantic.BaseModel):
    """The body of `:generateContent`. The SDK's types forbid further fields themselves."""

    model_config = pydantic.ConfigDict(extra="forbid")

    contents: list[types.Content]
    systemInstruction: types.Content | None = None
    tools: list[types.Tool] | None = None
    toolConfig: types.ToolConfig | None = None
    generationConfig: types.GenerationConfig | None = None
    safetySettings: list[types.SafetySetting] | None = None
    cachedContent: str | None = None
    serviceTier: str | None = None
    labels: dict[str, str] | None = None


@cache
def _messages(streaming: bool) -> pydantic.TypeAdapter[Any]:
    return pydantic.TypeAdapter(_closed(MessageCreateParamsStreaming if streaming else MessageCreateParamsNonStreaming))


@cache
def _closed(kind: Any) -> Any:
    """A type of the SDK's, in which a dictionary has no fields but its own.

    Without the models of answers that the SDK takes in place of dictionaries, which allow any field; and with lists
    instead of iterables, which pydantic would validate only when they are read.
    """
    if typing_extensions.is_typeddict(kind):
        hints = typing_extensions.get_type_hints(kind, include_extras=True)
        wrap = {name: Required if name in kind.__required_keys__ else NotRequired for name in hints}
        fields = {name: wrap[name][_closed(_bare(hint))] for name, hint in hints.items()}
        make: Any = typing_extensions.TypedDict
        made = make(kind.__name__, fields)
        made.__pydantic_config__ = pydantic.ConfigDict(extra="forbid")
        return made
    origin, inner = typing_extensions.get_origin(kind), typing_extensions.get_args(kind)
    if origin in {Union, UnionType}:
        kept = [one for one in inner if not _of_python_only(one)]
        return Union[tuple(map(_closed, kept))] if kept else None  # noqa: UP007 - made of what was found
    if origin in {list, Iterable, Sequence} or (origin is not None and origin.__name__ == "SequenceNotStr"):
        return list[_closed(inner[0])]  # type: ignore[misc]
    return _closed(inner[0]) if origin is Annotated else kind


def _of_python_only(kind: Any) -> bool:
    """Models of answers, and open files: the SDK turns them into what is on the wire."""
    return typing_extensions.get_origin(kind) in {IO, os.PathLike} or (
        isinstance(kind, type) and issubclass(kind, pydantic.BaseModel)
    )


def _bare(hint: Any) -> Any:
    wrapped = typing_extensions.get_origin(hint) in {Required, NotRequired}
    return typing_extensions.get_args(hint)[0] if wrapped else hint


def _no_snakes(value: Any, *, named: bool = False) -> None:
    """The SDK's types take both spellings; the API's own is camelCase. Names that people gave are theirs."""
    if isinstance(value, list):
        for one in value:
            _no_snakes(one)
    elif isinstance(value, dict):
        for key, one in value.items():
            assert named or "_" not in key, key
            if key not in {"args", "response", "parametersJsonSchema", "responseJsonSchema", "labels"}:
                _no_snakes(one, named=key == "properties")
