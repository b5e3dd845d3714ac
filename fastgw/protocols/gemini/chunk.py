"""An answer of `:generateContent`, or one chunk of its stream, as providers send it. Unknown fields are passed over.

What stands beside the words is raw: should it have an unexpected shape, the words are not lost for it.
"""

import msgspec

from fastgw.protocols.sse import payloads

ABSENT = msgspec.Raw(b"")


class Blob(msgspec.Struct, rename="camel"):
    """Bytes in the answer."""

    data: str | None = None
    mime_type: str | None = None


class Call(msgspec.Struct, rename="camel"):
    """A whole call."""

    name: str | None = None
    id: str | None = None
    args: msgspec.Raw = ABSENT


class Part(msgspec.Struct, rename="camel"):
    """A piece of the answer."""

    text: str | None = None
    thought: bool | None = None
    thought_signature: str | None = None
    function_call: Call | None = None
    inline_data: Blob | None = None
    executable_code: msgspec.Raw = ABSENT
    code_execution_result: msgspec.Raw = ABSENT
    tool_call: msgspec.Raw = ABSENT
    tool_response: msgspec.Raw = ABSENT


class Content(msgspec.Struct):
    """What is said."""

    parts: list[Part] | None = None


class Candidate(msgspec.Struct, rename="camel"):
    """One of the answers."""

    content: Content | None = None
    finish_reason: str | None = None
    finish_message: str | None = None
    index: int | None = None
    grounding_metadata: msgspec.Raw = ABSENT
    citation_metadata: msgspec.Raw = ABSENT
    logprobs_result: msgspec.Raw = ABSENT


class Feedback(msgspec.Struct, rename="camel"):
    """Why the prompt was refused."""

    block_reason: str | None = None
    block_reason_message: str | None = None


class Chunk(msgspec.Struct, rename="camel"):
    """The whole of it."""

    candidates: list[Candidate] | None = None
    prompt_feedback: Feedback | None = None
    usage_metadata: msgspec.Raw = ABSENT
    model_version: str | None = None
    response_id: str | None = None
    error: msgspec.Raw = ABSENT


decode = msgspec.json.Decoder(Chunk, strict=False).decode


def is_error(raw: msgspec.Raw) -> bool:
    """The member `error` says something."""
    return bytes(raw) not in (b"", b"null")


def contents(data: bytes) -> list[bytes]:
    """The data of each whole event. Google ends its lines in CRLF; one such event at a time is what mostly comes."""
    if data.startswith(b"data: ") and data.endswith(b"\r\n\r\n") and data.find(b"\r") == len(data) - 4:
        return [data[6:-4]]
    return payloads(data)
