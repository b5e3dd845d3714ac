"""Streams: bytes pass untouched, usage is hidden unless asked for, a cut is told and never dressed up."""

from fastgw.exchange import Outcome
from tests.dataplane.conftest import Worker
from tests.fakes import answers


async def test_the_callers_bytes_are_the_providers_without_the_usage_it_did_not_ask_for(worker: Worker) -> None:
    made = answers.events()
    worker.provider.next(answers.sse(made))
    assert (await worker.call(stream=True).answer()).text == b"".join(made[:-2] + made[-1:])
    assert (await worker.closed()).usage.total_tokens == 18


async def test_who_asks_for_usage_sees_it(worker: Worker) -> None:
    made = answers.events()
    worker.provider.next(answers.sse(made))
    caller = await worker.call(stream=True, stream_options={"include_usage": True}).answer()
    assert caller.text == b"".join(made)


async def test_a_cut_stream_ends_in_an_error_frame(worker: Worker) -> None:
    worker.provider.next(answers.sse(answers.events()[:3], end=answers.End.RESET))
    caller = await worker.call(stream=True).answer()
    assert caller.status == 200
    assert b'"error"' in caller.text
    assert (await worker.closed()).outcome is Outcome.CUT
    await worker.until_nothing_is_left()


async def test_an_error_event_ends_the_stream_as_one_of_ours(worker: Worker) -> None:
    worker.provider.next(
        answers.sse([*answers.events()[:3], answers.error_event("at https://secret.example")], gap_s=0.1)
    )
    caller = await worker.call(stream=True).answer()
    assert b"secret" not in caller.text
    assert (await worker.closed()).outcome is Outcome.CUT
