"""From bytes to the call: recognised by the body, or refused."""

from typing import Any

import pytest

from fastgw.protocols.hub.dialect import FromPath
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker


async def test_a_body_of_another_dialect_is_taken_for_what_it_is(worker: Worker) -> None:
    body = {"model": "fake/fake-1", "input": "hi", "max_output_tokens": 9}
    caller = await Caller(worker.wiring.chat, worker.key, body).answer()
    assert caller.status == 200
    assert caller.headers[b"x-fastgw-detected-format"] == b"responses"


@pytest.mark.parametrize(("body", "status"), [(b"", 400), (b"[]", 400), (b'{"model":1}', 400), (b"{", 400)])
async def test_what_is_no_call_is_refused_and_leaves_nothing(worker: Worker, body: bytes, status: int) -> None:
    assert (await worker.call(body=body).answer()).status == status
    assert worker.records() == []
    await worker.until_nothing_is_left()


async def test_a_request_in_a_wrapper_is_that_request(worker: Worker) -> None:
    said = FromPath(model="fake/fake-1", stream=False)
    inner = {"contents": [{"role": "user", "parts": [{"text": "hi"}]}], "generationConfig": {"maxOutputTokens": 9}}

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await worker.wiring.gemini(scope, receive, send, said)

    for body in (inner, {"generateContentRequest": inner}, {"generate_content_request": inner}):
        assert (await Caller(app, worker.key, body).answer()).status == 200
    sent = {request.body for request in worker.provider.requests}
    assert len(sent) == 1


async def test_a_field_that_a_server_may_take_for_the_model_is_refused(worker: Worker) -> None:
    caller = await worker.call(Model="dear").answer()
    assert (caller.status, worker.provider.requests) == (400, [])
