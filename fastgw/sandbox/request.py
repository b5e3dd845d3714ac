"""The request of `POST /v1/chat/completions`, as far as the sandbox acts upon it."""

from typing import Annotated, Any

import msgspec
from msgspec import Meta

CHOICES_MAX = 16


class Part(msgspec.Struct):
    """One part of a message's content."""

    type: str
    text: str | None = None


class Message(msgspec.Struct):
    """One message of the conversation."""

    role: str
    content: str | list[Part] | None = None


class Function(msgspec.Struct):
    """A function that may be called."""

    name: Annotated[str, Meta(min_length=1, max_length=256)]
    parameters: Any = None


class Tool(msgspec.Struct):
    """A tool that may be called; kinds other than `function` are left alone."""

    type: str
    function: Function | None = None


class StreamOptions(msgspec.Struct):
    """Options of a stream."""

    include_usage: bool | None = None


class Schema(msgspec.Struct):
    """The schema of a structured answer."""

    schema: Any = None


class ResponseFormat(msgspec.Struct):
    """The form of the answer's text."""

    type: str
    json_schema: Schema | None = None


class Chat(msgspec.Struct):
    """A chat request; fields that it does not name are ignored."""

    model: str
    messages: Annotated[list[Message], Meta(min_length=1)]
    stream: bool | None = None
    stream_options: StreamOptions | None = None
    n: Annotated[int, Meta(ge=1, le=CHOICES_MAX)] | None = None
    max_tokens: Annotated[int, Meta(ge=1)] | None = None
    max_completion_tokens: Annotated[int, Meta(ge=1)] | None = None
    tools: list[Tool] | None = None
    tool_choice: Any = None
    response_format: ResponseFormat | None = None
    logprobs: bool | None = None
    top_logprobs: Annotated[int, Meta(ge=0, le=20)] | None = None


_decoder = msgspec.json.Decoder(Chat)


class BadRequest(Exception):
    """The body is no chat request; the text is for the caller. `param` is the JSON path of the mistake."""

    def __init__(self, message: str, param: str | None = None) -> None:
        super().__init__(message)
        self.param = param


def read(body: bytes) -> Chat:
    """Read a chat request. Raises `BadRequest`."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as error:
        reason, _, path = str(error).partition(" - at `$.")
        raise BadRequest(f"{reason}.", path.rstrip("`") or None) from error
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadRequest("The body is not valid JSON, or nests too deep.") from error


def text_of(message: Message) -> str:
    """The text of a message, its parts joined by line feeds."""
    if isinstance(message.content, list):
        return "\n".join(part.text for part in message.content if part.text)
    return message.content or ""


def media_of(message: Message) -> int:
    """How many parts are no text."""
    return sum(part.type != "text" for part in message.content) if isinstance(message.content, list) else 0
