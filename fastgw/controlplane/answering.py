"""How the control plane answers: JSON, plain text or a stream of bytes; errors as `{"error": {"code", "message"}}`.

An endpoint is a function from a `Request` to an `Answer`, and says no by raising `Refused`.
"""

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping, Sequence
from typing import Any, Protocol, TypeVar
from urllib.parse import parse_qs

import msgspec

from fastgw.errors import GatewayError
from fastgw.observe.tasks import spawn
from fastgw.protocols.errors.openai import code_of

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]

BODY_BYTES_MAX = 64 * 1024
"""Of a request with JSON; the longest, a price with all its tiers and variants, has some kilobytes."""
BODY_TIMEOUT_S = 20.0
"""From asking for a body to its last byte: providers' notices come from anybody, and each holds a place in a worker."""
QUERY_FIELDS_MAX = 32
PART_LENGTH_MAX = 512
"""Of a path."""

T = TypeVar("T")
_log = logging.getLogger("fastgw.control")


class Refused(Exception):
    """A request that ends in an error. `message` is for the caller and holds no internal; `code` is stable."""

    def __init__(self, status: int, code: str, message: str, *, retry_after_s: int | None = None) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.retry_after_s = retry_after_s


class Request:
    """One request, its body not read yet."""

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self.scope = scope
        self._receive = receive

    @property
    def headers(self) -> Sequence[tuple[bytes, bytes]]:
        """As they came, names in lower case."""
        found: Sequence[tuple[bytes, bytes]] = self.scope["headers"]
        return found

    def header(self, name: bytes) -> str:
        """The first value of a header, empty if there is none."""
        found: bytes = next((value for key, value in self.headers if key == name), b"")
        return found.decode("latin-1").strip()

    def part(self, name: str) -> str:
        """A part of the path. Raises `Refused` (404) for what can be no name."""
        found = str(self.scope["path_params"][name])
        if not found.isprintable() or len(found) > PART_LENGTH_MAX:
            raise Refused(404, "not_found", "There is nothing of this name.")
        return found

    def query(self, *known: str) -> Mapping[str, str]:
        """The last value of each name, of those that the endpoint knows. Raises `Refused` (400).

        A name that is not known, or without a value, is refused: a filter that nobody applies shows too much.
        """
        text = self.scope["query_string"].decode("latin-1")
        try:
            fields = parse_qs(text, keep_blank_values=True, max_num_fields=QUERY_FIELDS_MAX)
        except ValueError as error:
            raise Refused(400, "invalid_request", "The query string has too many fields.") from error
        found = {name: values[-1] for name, values in fields.items()}
        if unknown := sorted(found.keys() - set(known)):
            raise Refused(
                400, "invalid_request", f"There is no {unknown[0][:80]!r} here. Known: {', '.join(sorted(known))}."
            )
        if empty := [name for name, value in found.items() if not value.strip()]:
            raise Refused(400, "invalid_request", f"{empty[0]!r} is empty. Leave it out, or give it a value.")
        if not all(value.isprintable() for value in found.values()):
            raise Refused(400, "invalid_request", "The query string has characters that cannot be printed.")
        return found

    async def body(self, bytes_max: int = BODY_BYTES_MAX) -> bytes:
        """The whole body. Raises `Refused` (408, 413, 415)."""
        if self.header(b"content-encoding") not in {"", "identity"}:
            raise Refused(415, "unsupported_encoding", "Send the body without a Content-Encoding.")
        too_large = Refused(413, "request_too_large", f"The body is larger than {bytes_max // 1024} KB.")
        length = self.header(b"content-length")
        if length.isdigit() and (len(length) > 15 or int(length) > bytes_max):
            raise too_large
        body = bytearray()
        try:
            async with asyncio.timeout(BODY_TIMEOUT_S):
                while True:
                    message = await self._receive()
                    if message["type"] != "http.request":
                        raise Refused(499, "client_gone", "The client closed the connection.")
                    body += message.get("body", b"")
                    if len(body) > bytes_max:
                        raise too_large
                    if not message.get("more_body"):
                        return bytes(body)
        except TimeoutError:
            raise Refused(408, "request_timeout", f"The body did not come within {BODY_TIMEOUT_S:g} s.") from None

    async def json(self, wanted: type[T]) -> T:
        """The body as a value of that type. Raises `Refused` (400, 408, 413, 415)."""
        try:
            return msgspec.json.decode(await self.body(), type=wanted)
        except (msgspec.DecodeError, UnicodeDecodeError, ValueError, RecursionError) as error:
            said = str(error).rstrip(".")
            raise Refused(400, "invalid_request", f"The body does not say what is needed: {said}.") from error


class Answer(msgspec.Struct, frozen=True):
    """What the caller gets."""

    status: int
    body: bytes | AsyncIterator[bytes]
    """An iterator is read as fast as the caller reads; it must not fail for what the caller did."""
    media_type: str = "application/json"
    headers: tuple[tuple[bytes, bytes], ...] = ()


class Endpoint(Protocol):
    """Serves one path and method."""

    async def __call__(self, request: Request) -> Answer:
        """The answer. Raises `Refused` or `GatewayError`."""


def told(value: Any, status: int = 200) -> Answer:
    """A value as JSON."""
    return Answer(status, msgspec.json.encode(value))


class NotFound:
    """Answers every path that there is nothing at."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        nothing = Refused(404, "not_found", f"There is nothing at {scope['method']} {scope['path'][:256]}.")
        await refuse(nothing, receive, send)


async def refuse(error: Refused | GatewayError, receive: Receive, send: Send) -> None:
    """Tell a caller no, outside of an endpoint."""
    await _send_all(_error(_refusal(error), ()), _request_id(), receive, send)


class Served:
    """One path as an ASGI application, with an endpoint for each method."""

    def __init__(self, **endpoints: Endpoint) -> None:
        self._endpoints = endpoints

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        request_id = _request_id()
        extra: tuple[tuple[bytes, bytes], ...] = ()
        try:
            endpoint = self._endpoints.get(scope["method"])
            if endpoint is None:
                allow = ", ".join(sorted(self._endpoints))
                extra = ((b"allow", allow.encode()),)
                raise Refused(405, "method_not_allowed", f"This takes {allow}, not {scope['method']}.")
            answer = await endpoint(Request(scope, receive))
        except (Refused, GatewayError) as error:
            answer = _error(_refusal(error), extra)
        except Exception as exc:  # a defect of ours must neither kill the worker nor leave the caller without an answer
            _log.exception("request %s of the control plane failed", request_id, exc_info=exc)
            answer = _error(Refused(500, "internal_error", "The gateway failed. Its operator can look it up."), ())
        await _send_all(answer, request_id, receive, send)


_BEARER = ((b"www-authenticate", b"Bearer"),)


def unauthorized(message: str) -> Refused:
    """The 401 of a wrong or missing token."""
    return Refused(401, "invalid_api_key", message)


def _request_id() -> str:
    return f"api_{secrets.token_hex(10)}"


def _refusal(error: Refused | GatewayError) -> Refused:
    if isinstance(error, Refused):
        return error
    code = error.code or code_of(error.kind)
    return Refused(error.status, code, error.message, retry_after_s=error.retry_after_s)


def _error(refused: Refused, extra: tuple[tuple[bytes, bytes], ...]) -> Answer:
    headers = extra
    if refused.status == 401:
        headers = _BEARER
    if refused.retry_after_s is not None:
        headers = (*headers, (b"retry-after", b"%d" % refused.retry_after_s))
    body = msgspec.json.encode({"error": {"code": refused.code, "message": refused.message}})
    return Answer(refused.status, body, headers=headers)


async def _send_all(answer: Answer, request_id: str, receive: Receive, send: Send) -> None:
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        (b"x-request-id", request_id.encode()),
        *answer.headers,
    ]
    await send({"type": "http.response.start", "status": answer.status, "headers": headers})
    if isinstance(answer.body, bytes):
        await send({"type": "http.response.body", "body": answer.body, "more_body": False})
        return
    gone = spawn(_gone(receive), name="caller of an export")
    try:
        async for part in answer.body:
            # What is made from here on nobody would read.
            if gone.done():
                return
            await send({"type": "http.response.body", "body": part, "more_body": True})
    except Exception as exc:  # the head is out: an answer that stays unfinished is all that can still be said
        _log.exception("answer %s of the control plane is cut", request_id, exc_info=exc)
        return
    finally:
        gone.cancel()
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _gone(receive: Receive) -> None:
    """Returns when the caller hangs up."""
    while (await receive())["type"] != "http.disconnect":
        pass
