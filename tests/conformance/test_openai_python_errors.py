"""OpenAI's own SDK for Python against a running gateway: models, errors, retries, and clients that leave."""

import asyncio
import signal
import subprocess
import sys
from typing import Any

import openai
import pytest

from tests.conformance.wire import HELLO, MODEL, TEXT, Wire
from tests.fakes import End, FakeProvider, answers
from tests.fakes.gateway import Gateway


def test_models(wire: Wire) -> None:
    listed = {model.id: model for model in wire.openai.models.list()}
    assert listed["fake/fake-1"].object == "model"
    assert wire.openai.models.retrieve("fake/fake-1").id == "fake/fake-1"
    with pytest.raises(openai.NotFoundError) as caught:
        wire.openai.models.retrieve("fake/none")
    assert caught.value.code == "model_not_found"


def test_a_wrong_key(gateway: Gateway, provider: FakeProvider) -> None:
    with Wire(gateway.base_url, "sk-wrong").openai as client, pytest.raises(openai.AuthenticationError) as caught:
        client.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (401, "invalid_api_key")
    assert caught.value.request_id
    assert not provider.requests


def test_an_unknown_model(wire: Wire, provider: FakeProvider) -> None:
    with pytest.raises(openai.NotFoundError) as caught:
        wire.openai.chat.completions.create(model="gpt-none", messages=HELLO)
    assert (caught.value.code, caught.value.type) == ("model_not_found", "invalid_request_error")
    assert not provider.requests


def test_a_request_that_the_gateway_refuses(wire: Wire, provider: FakeProvider) -> None:
    wrong: Any = [{"role": 7, "content": "Hello"}]
    with pytest.raises(openai.BadRequestError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=wrong)
    assert caught.value.param == "messages[0].role"
    assert not provider.requests


def test_a_request_that_the_provider_refuses(wire: Wire, provider: FakeProvider) -> None:
    provider.next(
        answers.error(400, "Invalid 'temperature'.", type="invalid_request_error", param="temperature", code="too_high")
    )
    with pytest.raises(openai.BadRequestError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=HELLO, temperature=9)
    error = caught.value
    assert (error.param, error.code, error.type) == ("temperature", "too_high", "invalid_request_error")
    assert "Invalid 'temperature'." in error.message


@pytest.mark.parametrize("stream", [False, True])
def test_a_rate_limit_is_waited_for_and_tried_again(gateway: Gateway, provider: FakeProvider, stream: bool) -> None:
    provider.next(answers.rate_limited("1"))
    wire = Wire(gateway.base_url, gateway.key, max_retries=1)
    with wire.openai as client:
        answer: Any = client.chat.completions.create(model=MODEL, messages=HELLO, stream=stream)
        _ = list(answer) if stream else answer
    first, second = provider.requests
    assert second.at_s - first.at_s >= 0.9
    assert second.body == first.body


def test_a_rate_limit_is_told_with_its_wait(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.rate_limited("3"))
    with pytest.raises(openai.RateLimitError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=HELLO)
    assert caught.value.code == "rate_limited"
    assert int(caught.value.response.headers["retry-after"]) in {2, 3, 4}


def test_a_providers_failure_is_a_server_error(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.error(500), answers.error(500))
    with pytest.raises(openai.InternalServerError) as caught:
        wire.openai.chat.completions.create(model=MODEL, messages=HELLO)
    assert (caught.value.status_code, caught.value.code) == (502, "upstream_unavailable")


def test_a_stream_that_breaks_off_is_an_error_and_never_an_end(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.cut_event())
    text = ""
    with pytest.raises(openai.APIError) as caught:
        for chunk in wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True):
            text += chunk.choices[0].delta.content or ""
    assert TEXT.startswith(text)
    assert caught.value.code == "upstream_unavailable"


def test_an_impatient_client_ends_the_request_at_the_provider(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.STALL_BEFORE_HEAD)
    with pytest.raises(openai.APITimeoutError):
        wire.openai.with_options(timeout=0.5).chat.completions.create(model=MODEL, messages=HELLO)
    provider.requests[0].wait_gone()


def test_a_stream_that_is_left_ends_at_the_provider(wire: Wire, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    with wire.openai.chat.completions.create(model=MODEL, messages=HELLO, stream=True) as stream:
        next(stream)
        assert not provider.requests[0].gone.is_set()
    provider.requests[0].wait_gone()


async def test_a_task_that_is_cancelled_ends_at_the_provider(gateway: Gateway, provider: FakeProvider) -> None:
    provider.next(answers.STALL_BEFORE_HEAD)
    async with openai.AsyncOpenAI(base_url=gateway.base_url, api_key=gateway.key, max_retries=0) as client:
        asking = asyncio.ensure_future(client.chat.completions.create(model=MODEL, messages=HELLO))
        (seen,) = await provider.until_requests(1)
        assert not seen.gone.is_set()
        asking.cancel()
        await seen.until_gone()
        with pytest.raises(asyncio.CancelledError):
            await asking


def test_ctrl_c_in_a_script_ends_at_the_provider(gateway: Gateway, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    script = (
        "import sys, openai\n"
        "client = openai.OpenAI(base_url=sys.argv[1], api_key=sys.argv[2])\n"
        "for chunk in client.chat.completions.create(model=sys.argv[3], stream=True,\n"
        "        messages=[{'role': 'user', 'content': 'Hello'}]):\n"
        "    print(chunk.id, flush=True)\n"
    )
    command = [sys.executable, "-c", script, gateway.base_url, gateway.key, MODEL]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"chatcmpl-fake\n"
        assert not provider.requests[0].gone.is_set()
        process.send_signal(signal.SIGINT)
        provider.requests[0].wait_gone()
        assert process.wait(20) != 0
