"""What the records of an exchange say, by how it ended."""

from fastgw.errors import ErrorKind
from fastgw.exchange import Outcome
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker
from tests.fakes import answers


async def test_only_the_attempt_that_answered_is_charged(worker: Worker) -> None:
    worker.provider.next(answers.error(500))
    assert (await worker.call().answer()).status == 502
    closed = await worker.closed()
    assert (closed.outcome, closed.error) == (Outcome.UPSTREAM_ERROR, ErrorKind.UPSTREAM_UNAVAILABLE)
    assert closed.usage.total_tokens == 0
    await worker.until_nothing_is_left()


async def test_an_answer_without_usage_is_counted_here_and_says_so(worker: Worker) -> None:
    worker.provider.next(answers.sse(answers.events(usage=None)))
    await worker.call(stream=True).answer()
    closed = await worker.closed()
    assert closed.usage_estimated
    assert closed.usage.out_text > 0
    assert closed.usage.in_text > 0


async def test_a_refused_request_keeps_its_status(worker: Worker) -> None:
    worker.provider.next(answers.error(422))
    assert (await worker.call().answer()).status == 422
    closed = await worker.closed()
    assert (closed.outcome, closed.status, closed.usage.total_tokens) == (Outcome.REFUSED, 422, 0)


async def test_a_question_that_nobody_can_be_asked_is_refused_and_uses_nothing(worker: Worker) -> None:
    app = worker.wiring.responses
    body = {"model": "fake/fake-1", "input": "hi", "previous_response_id": "resp_1"}
    assert (await Caller(app, worker.key, body).answer()).status == 400
    closed = await worker.closed()
    assert (closed.outcome, closed.status, closed.usage.total_tokens) == (Outcome.REFUSED, 400, 0)
    await worker.until_nothing_is_left()
