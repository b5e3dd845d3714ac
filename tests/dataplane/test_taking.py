"""From bytes to the call: recognised by the body, or refused."""

import pytest

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
