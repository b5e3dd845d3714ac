"""Token counts: the provider's own where it has one, the gateway's for every other model; free, and nothing is held."""

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
import pytest

from fastgw.dataplane import counting
from fastgw.dataplane.counting import TokenCount
from fastgw.limits import Limits
from fastgw.protocols.hub.dialect import FromPath
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker
from tests.fakes import answers
from tests.fakes.gateway import provider_toml
from tests.fakes.provider import Answer

HELLO = [{"role": "user", "content": "x" * 400}]
CONTENTS = [{"role": "user", "parts": [{"text": "x" * 400}]}]
ESTIMATE = 104

BODIES: dict[str, dict[str, Any]] = {
    "messages": {"messages": HELLO},
    "responses": {"input": HELLO},
    "gemini": {"contents": CONTENTS},
}
KEYS = {"messages": "input_tokens", "responses": "input_tokens", "gemini": "totalTokens"}


def ask(worker: Worker, dialect: str, model: str = "", *, key: str = "", **body: Any) -> Caller:
    app: Callable[..., Awaitable[None]] = TokenCount(worker.wiring.chat._s, worker.wiring.chat._patrol, dialect)
    whole = body or BODIES[dialect]
    if dialect == "gemini":
        count, said = app, FromPath(model=model)

        async def app(scope: Any, receive: Any, send: Any) -> None:
            await count(scope, receive, send, said)

    elif model:
        whole = {"model": model, **whole}
    return Caller(app, key or worker.key, whole, path="/count")


async def seen(caller: Caller) -> tuple[int, Any, str]:
    answer = await caller.answer()
    return answer.status, msgspec.json.decode(answer.text), answer.headers.get(b"x-fastgw-counted-by", b"").decode()


@pytest.mark.parametrize("dialect", KEYS)
async def test_a_model_of_another_dialect_is_counted_here(worker: Worker, dialect: str) -> None:
    status, body, whose = await seen(ask(worker, dialect, "fake/fake-1"))
    expected = {KEYS[dialect]: ESTIMATE} | ({"object": "response.input_tokens"} if dialect == "responses" else {})
    assert (status, body, whose) == (200, expected, "estimate")
    assert not worker.provider.requests and not worker.records()
    await worker.until_nothing_is_left()


def own(worker: Worker, dialect: str) -> str:
    base = worker.provider.gemini_url if dialect == "gemini" else worker.provider.url
    return provider_toml("own", base, ("m",), f'speaks = ["{dialect}"]')


@pytest.fixture
async def lane(worker_of: Callable[..., Awaitable[Worker]], request: pytest.FixtureRequest) -> Worker:
    """A worker with the provider `own`, which speaks the dialect that the test is about."""
    dialect = request.getfixturevalue("dialect")
    first = await worker_of()
    return await worker_of(own(first, dialect))


@pytest.mark.parametrize("dialect", KEYS)
async def test_a_provider_of_the_same_dialect_counts_itself(lane: Worker, dialect: str) -> None:
    said = {KEYS[dialect]: 7, "more": "is kept"}
    lane.provider.next(answers.unary(said))
    assert await seen(ask(lane, dialect, "own/m")) == (200, said, "provider")
    asked = lane.provider.requests[0]
    path, named = {
        "messages": ("/v1/messages/count_tokens", {"model": "m"}),
        "responses": ("/v1/responses/input_tokens", {"model": "m"}),
        "gemini": ("/v1beta/models/m:countTokens", {}),
    }[dialect]
    assert (asked.method, asked.target, asked.json) == ("POST", path, BODIES[dialect] | named)
    assert not lane.records()
    other = next(name for name in KEYS if name != dialect)
    status, body, whose = await seen(ask(lane, other, "own/m"))
    assert (status, body[KEYS[other]], whose, len(lane.provider.requests)) == (200, ESTIMATE, "estimate", 1)

    # Whatever is wrong with its count, there is an answer.
    for bad in (
        answers.unary({"error": {"message": "no such model"}}, 404),
        answers.unary({"other": 1}),
        answers.whole(b"<html>"),
        answers.whole(b"x" * (counting.ANSWER_BYTES_MAX + 1)),
        (answers.End.RESET,),
    ):
        lane.provider.next(bad)
        status, body, whose = await seen(ask(lane, dialect, "own/m"))
        assert (status, body[KEYS[dialect]], whose) == (200, ESTIMATE, "estimate")
    await lane.until_nothing_is_left()


@pytest.mark.parametrize("dialect", ["gemini"])
async def test_geminis_wrapped_request_is_addressed_and_a_slow_provider_left(
    lane: Worker, dialect: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    lane.provider.next(answers.unary({"totalTokens": 3}))
    wrapped = {"model": "models/own/m", "contents": CONTENTS}
    assert (await seen(ask(lane, dialect, "own/m", generateContentRequest=wrapped)))[1] == {"totalTokens": 3}
    assert lane.provider.requests[0].json == {"generateContentRequest": wrapped | {"model": "models/m"}}
    monkeypatch.setattr(counting, "PROVIDER_WAIT_MS", 100)
    lane.provider.next(Answer((answers.End.STALL,)))
    assert (await seen(ask(lane, dialect, "own/m")))[1:] == ({"totalTokens": ESTIMATE}, "estimate")
    await lane.until_nothing_is_left()


async def test_refusals_are_in_the_callers_dialect(worker: Worker) -> None:
    key = await worker.mint("two", Limits(requests_per_min=4, requests_burst=4), models=("fake/fake-1",))
    status, body, _ = await seen(ask(worker, "messages", "fake/fake-2", key=key))
    assert (status, body["error"]["type"]) == (403, "permission_error")
    assert (await seen(ask(worker, "messages", "fake/fake-1", key=key)))[0] == 200
    status, body, _ = await seen(ask(worker, "gemini", "fake/fake-2", key=key))
    assert (status, body["error"]["status"]) == (403, "PERMISSION_DENIED")
    assert (await seen(ask(worker, "responses", key=key)))[0] == 200
    assert (await seen(ask(worker, "responses", "fake/fake-1", key=key)))[0] == 429
    status, body, _ = await seen(ask(worker, "gemini", "no/such"))
    assert (status, body["error"]["status"]) == (404, "NOT_FOUND")
    status, body, _ = await seen(ask(worker, "gemini", "fake/fake-1", other=1))
    assert (status, body["error"]["status"]) == (400, "INVALID_ARGUMENT")
    for model, wrong in (("", {"messages": HELLO}), ("fake/fake-1", {"system": "s"}), ("x" * 300, {"messages": HELLO})):
        status, body, _ = await seen(ask(worker, "messages", model, **wrong))
        assert (status, body["error"]["type"]) == (400, "invalid_request_error")
    status, body, _ = await seen(ask(worker, "messages", "fake/fake-1", key="sk-wrong"))
    assert (status, body["error"]["type"]) == (401, "authentication_error")
    await worker.until_nothing_is_left()


async def test_a_large_body_is_counted_off_the_loop_and_given_back(worker: Worker) -> None:
    large = [{"role": "user", "content": "x" * 4_000_000}]
    status, body, _ = await seen(ask(worker, "messages", "fake/fake-1", messages=large))
    assert (status, body) == (200, {"input_tokens": 1_000_004})
    await worker.until_nothing_is_left()


@pytest.mark.parametrize("dialect", ["messages"])
async def test_a_caller_who_hangs_up_ends_the_providers_count(lane: Worker, dialect: str) -> None:
    lane.provider.next(Answer((answers.End.STALL,)))
    caller = ask(lane, dialect, "own/m").start()
    (asked,) = await lane.provider.until_requests(1)
    caller.gone.set()
    await asked.until_gone()
    await caller.answer()
    assert not caller.sent
    await lane.until_nothing_is_left()
