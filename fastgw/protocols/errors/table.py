"""Every error in every caller's dialect: `ErrorKind` by one of `NAMES` gives status, body, last frame and headers.

Statuses are the same in all dialects, also where a vendor has a number of its own: an overload is 503 to Anthropic's
SDKs too, which retry each status from 500 on alike (anthropic-python 2.12 `_should_retry`, 2026-11), while proxies on
the way know 503 and not 529. tests/golden/errors.json holds the whole table.
"""

from fastgw.errors import GatewayError
from fastgw.protocols.errors import anthropic, google, openai
from fastgw.protocols.hub.dialect import Framing

NAMES = ("chat", "completions", "responses", "messages", "gemini")
"""The dialects in which callers ask. Any other name (a health check, a list) gets OpenAI's envelope."""


def render(dialect: str, error: GatewayError, exchange_id: str) -> bytes:
    """The body of an error answer, JSON."""
    match dialect:
        case "messages":
            return anthropic.render(error, exchange_id)
        case "gemini":
            return google.render(error, exchange_id)
        case _:
            return openai.render(error)


def frame(dialect: str, error: GatewayError, exchange_id: str, framing: Framing = "sse") -> bytes:
    """The bytes that end a stream whose status is sent and of whose answer nothing is, or nothing that binds.

    An answer that has begun in Responses or in array framing is ended by its writer, which knows what is open.
    """
    match dialect:
        case "responses":
            return openai.responses_frame(error)
        case "messages":
            return anthropic.frame(error, exchange_id)
        case "gemini":
            return google.frame(error, exchange_id) if framing == "sse" else google.array(error, exchange_id)
        case _:
            return openai.frame(error)


def headers(dialect: str, error: GatewayError | None, exchange_id: str) -> tuple[tuple[bytes, bytes], ...]:
    """Response headers that only this dialect has; `error` None for an answer that is none.

    Anthropic's SDKs read the id of every answer from `request-id` (anthropic-python 2.12, 2026-11).
    """
    return ((b"request-id", exchange_id.encode()),) if dialect == "messages" else ()
