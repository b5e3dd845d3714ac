"""How the control plane answers: errors that say no more than they should, bounded bodies, streams that may end."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec
import pytest

from fastgw.controlplane import answering
from fastgw.controlplane.answering import Answer, NotFound, Refused, Request, Served, told
from fastgw.errors import ErrorKind, GatewayError
from tests.dataplane.caller import Caller


class Body(msgspec.Struct):
    number: int


async def ask(served: Any, body: Any = None, *, query: bytes = b"", **scope: Any) -> Caller:
    return await Caller(served, "k", body, path="/api/x", query_string=query, path_params={}, **scope).answer()


def error_of(caller: Caller) -> dict[str, str]:
    found: dict[str, str] = msgspec.json.decode(caller.text)["error"]
    assert set(found) == {"code", "message"}
    return found


async def test_values_are_json_with_a_number_of_the_request() -> None:
    async def shown(request: Request) -> Answer:
        return told({"n": (await request.json(Body)).number, "q": request.query("a", "b")}, 201)

    served = Served(POST=shown)
    first, second = [await ask(served, {"number": 5}, query=b"a=1&a=2") for _ in range(2)]
    assert (first.status, msgspec.json.decode(first.text)) == (201, {"n": 5, "q": {"a": "2"}})
    assert first.headers[b"x-request-id"] != second.headers[b"x-request-id"]
    assert first.headers[b"cache-control"] == b"no-store"


@pytest.mark.parametrize(
    ("raised", "status", "code"),
    [
        (Refused(418, "teapot", "no"), 418, "teapot"),
        (GatewayError(ErrorKind.OVERLOADED, "busy", retry_after_s=3), 503, "overloaded"),
        (GatewayError(ErrorKind.INVALID_API_KEY, "wrong"), 401, "invalid_api_key"),
        (RuntimeError("password=secret"), 500, "internal_error"),
    ],
)
async def test_errors(raised: Exception, status: int, code: str) -> None:
    async def failing(request: Request) -> Answer:
        raise raised

    caller = await ask(Served(POST=failing))
    assert (caller.status, error_of(caller)["code"]) == (status, code)
    assert b"secret" not in caller.text
    assert (b"retry-after" in caller.headers) == (status == 503)
    assert (b"www-authenticate" in caller.headers) == (status == 401)


@pytest.mark.parametrize(("query", "hint"), [(b"c=1", "'c'"), (b"a=", "'a' is empty"), (b"a=1&a=%20", "'a' is empty")])
async def test_a_parameter_that_is_not_known_or_empty_is_refused(query: bytes, hint: str) -> None:
    async def shown(request: Request) -> Answer:
        return told(request.query("a", "b"))

    caller = await ask(Served(POST=shown), query=query)
    assert caller.status == 400
    assert hint in error_of(caller)["message"]


async def test_bodies_and_queries_that_cannot_be_read() -> None:
    async def read(request: Request) -> Answer:
        request.query("a")
        return told((await request.json(Body)).number)

    served = Served(POST=read)
    for body in (b"", b"{", b'{"number": "5"}', b"\xff", b"[" * 20_000, b'{"number": 1e400}'):
        caller = await ask(served, body)
        assert (caller.status, error_of(caller)["code"]) == (400, "invalid_request"), body
    assert (await ask(served, b" " * 70_000)).status == 413
    assert (await ask(served, b"", headers=[(b"content-length", b"99999999")])).status == 413
    packed = await ask(served, b"", headers=[(b"content-encoding", b"gzip")])
    assert (packed.status, error_of(packed)["code"]) == (415, "unsupported_encoding")
    assert (await ask(served, {"number": 1}, query=b"&".join(b"a=1" for _ in range(40)))).status == 400
    assert (await ask(served, {"number": 1}, query=b"a=x%0ay")).status == 400


async def test_a_body_that_does_not_come_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(answering, "BODY_TIMEOUT_S", 0.05)

    class Slow(Caller):
        async def _receive(self) -> dict[str, Any]:
            # Never nothing for long, and never an end.
            await asyncio.sleep(0.01)
            return {"type": "http.request", "body": b" ", "more_body": True}

    async def read(request: Request) -> Answer:
        return told((await request.json(Body)).number)

    caller = await Slow(Served(POST=read), "k", path="/api/x", path_params={}).answer()
    assert (caller.status, error_of(caller)["code"]) == (408, "request_timeout")


async def test_other_methods_and_paths() -> None:
    async def shown(request: Request) -> Answer:
        return told(1)

    wrong = await ask(Served(GET=shown, PUT=shown))
    assert (wrong.status, wrong.headers[b"allow"], error_of(wrong)["code"]) == (405, b"GET, PUT", "method_not_allowed")
    nothing = await ask(NotFound())
    assert (nothing.status, error_of(nothing)["code"]) == (404, "not_found")


async def test_a_stream_is_read_as_fast_as_its_caller_reads() -> None:
    made = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal made
        for part in range(3):
            made += 1
            yield b"%d" % part

    async def streamed(request: Request) -> Answer:
        return Answer(200, parts(), "text/csv")

    caller = Caller(Served(GET=streamed), "k", path="/api/x", method="GET", path_params={})
    caller.reading.clear()
    caller.start()
    await caller.until(lambda one: one.sent)
    await asyncio.sleep(0.05)
    assert made == 1
    caller.reading.set()
    await caller.answer()
    assert caller.text == b"012" and caller.ended


async def test_a_stream_that_fails_is_left_unfinished() -> None:
    async def parts() -> AsyncIterator[bytes]:
        yield b"some"
        raise GatewayError(ErrorKind.OVERLOADED, "busy")

    async def streamed(request: Request) -> Answer:
        return Answer(200, parts())

    caller = await ask(Served(POST=streamed))
    assert (caller.status, caller.text, caller.ended) == (200, b"some", False)


async def test_nothing_more_is_made_for_a_caller_who_has_gone() -> None:
    made = 0

    async def parts() -> AsyncIterator[bytes]:
        nonlocal made
        while True:
            made += 1
            await asyncio.sleep(0.001)
            yield b"."

    async def streamed(request: Request) -> Answer:
        return Answer(200, parts())

    caller = Caller(Served(GET=streamed), "k", path="/api/x", method="GET", path_params={}).start()
    await caller.until(lambda one: len(one.sent) > 5)
    caller.gone.set()
    await caller.answer()
    assert not caller.ended and made <= len(caller.sent) + 2
