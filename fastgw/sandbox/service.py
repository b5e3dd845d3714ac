"""The sandbox's routes: each request is answered as its knobs ask."""

import asyncio
import itertools
import secrets
import urllib.parse
from typing import NoReturn

from fastgw.clock import wall_ms
from fastgw.sandbox import render
from fastgw.sandbox.compose import Answer, compose
from fastgw.sandbox.connection import Connection, Gone, Request
from fastgw.sandbox.knobs import UnknownModel
from fastgw.sandbox.request import BadRequest, read

_JSON = {"content-type": "application/json"}
_EVENTS = {"content-type": "text/event-stream; charset=utf-8", "cache-control": "no-store"}
_ERROR_TYPES = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "invalid_request_error",
    429: "rate_limit_error",
}
COMPOSE_INLINE_BYTES_MAX = 256 * 1024
"""A larger request is read in a thread, so that it does not hold up the others."""

_numbers = itertools.count(1)
_run = secrets.token_hex(4)


async def answer(request: Request, connection: Connection) -> None:
    """Answer one request. Raises `Gone` when the line is to be dropped."""
    path = request.target.partition(b"?")[0].rstrip(b"/")
    headers = {"x-request-id": f"req_sandbox_{_run}{next(_numbers)}"}
    if path == b"/v1/chat/completions":
        if request.method == b"POST":
            await _chat(request, connection, headers)
        else:
            await _error(connection, headers | {"allow": "POST"}, 405, "Use POST here.")
    elif request.method != b"GET":
        await _error(connection, headers, 404, "There is nothing at this path.")
    elif path == b"/v1/models":
        await connection.whole(200, _JSON | headers, render.models())
    elif path.startswith(b"/v1/models/"):
        name = urllib.parse.unquote(path[11:].decode("latin-1"))
        body = render.model(name.partition(":")[0])
        if body is None:
            await _error(connection, headers, 404, "There is no such model in the sandbox.", code="model_not_found")
        else:
            await connection.whole(200, _JSON | headers, body)
    else:
        await _error(connection, headers, 404, "There is nothing at this path.")


async def _chat(request: Request, connection: Connection, headers: dict[str, str]) -> None:
    try:
        chat = read(request.body)
        if len(request.body) > COMPOSE_INLINE_BYTES_MAX:
            said = await asyncio.to_thread(compose, chat)
        else:
            said = compose(chat)
    except BadRequest as error:
        await _error(connection, headers, 400, str(error), param=error.param)
        return
    except UnknownModel as error:
        await _error(connection, headers, 404, str(error), param="model", code="model_not_found")
        return
    asked = said.knobs
    await asyncio.sleep(asked.delay_ms / 1000)
    if asked.status is not None:
        if asked.retry_after_s is not None:
            headers["retry-after"] = str(asked.retry_after_s)
        await _error(connection, headers, asked.status, f"The error {asked.status} that was asked for.")
        return
    if asked.cut == 0:
        raise Gone
    if asked.stall == 0:
        await _silence()
    stamp = render.Stamp(f"{_run}{next(_numbers)}", wall_ms() // 1000)
    if chat.stream:
        options = chat.stream_options
        await _stream(said, stamp, connection, headers, include_usage=bool(options and options.include_usage))
    else:
        await _unary(said, stamp, connection, headers)


async def _unary(said: Answer, stamp: render.Stamp, connection: Connection, headers: dict[str, str]) -> None:
    body = render.completion(said, stamp)
    if said.knobs.cut is None and said.knobs.stall is None:
        await connection.whole(200, _JSON | headers, body)
        return
    connection.head(200, _JSON | headers, length=len(body))
    await connection.write(body[: len(body) // 2])
    await _break_off(said)


async def _stream(
    said: Answer, stamp: render.Stamp, connection: Connection, headers: dict[str, str], *, include_usage: bool
) -> None:
    connection.head(200, _EVENTS | headers, length=None)
    asked = said.knobs
    ends = [end for end in (asked.cut, asked.stall) if end is not None]
    # The events that open the choices are no pieces: they go out together with the first one.
    opening = said.choices
    end = opening + min(ends) if ends else None
    for number, event in enumerate(render.events(said, stamp, include_usage=include_usage)):
        if number == end:
            await _break_off(said)
        if asked.chunk_ms and opening < number:
            await asyncio.sleep(asked.chunk_ms / 1000)
        elif number % 64 == 63:
            # A long stream without pauses lets others have their turn, and sees that its client has gone.
            await asyncio.sleep(0)
        await connection.write(event)
    if end is not None:
        await _break_off(said)
    connection.finish()


async def _break_off(said: Answer) -> NoReturn:
    """What the knobs `cut` and `stall` are for: close without an end, or say nothing any more."""
    if said.knobs.cut is None or (said.knobs.stall is not None and said.knobs.stall < said.knobs.cut):
        await _silence()
    raise Gone


async def _silence() -> None:
    await asyncio.Event().wait()


async def _error(
    connection: Connection,
    headers: dict[str, str],
    status: int,
    message: str,
    *,
    param: str | None = None,
    code: str | None = None,
) -> None:
    kind = _ERROR_TYPES.get(status, "server_error" if status >= 500 else "invalid_request_error")
    body = render.error(f"[sandbox] {message}", kind, param=param, code=code)
    await connection.whole(status, _JSON | headers, body)
