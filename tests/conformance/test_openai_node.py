"""OpenAI's own SDK for Node against a running gateway before a scripted provider."""

import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.conformance import node_sdk
from tests.conformance.spliced import assert_spliced
from tests.conformance.wire import CALL, TEXT
from tests.fakes import End, FakeProvider, answers
from tests.fakes.gateway import Gateway

Run = Callable[..., Any]


@pytest.fixture(scope="session")
def installed() -> Path:
    return node_sdk.install()


@pytest.fixture
def run(installed: Path, gateway: Gateway, provider: FakeProvider) -> Run:
    """Runs a case that succeeds, checks every body that the provider received, and gives what the case saw."""

    def runs(case: str) -> Any:
        told = node_sdk.run(installed, gateway, case)
        assert "error" not in told, told
        for sent, seen in zip(told["sent"], provider.requests, strict=True):
            assert_spliced(sent.encode(), seen)
        return told["result"]

    return runs


@pytest.fixture
def fail(installed: Path, gateway: Gateway, provider: FakeProvider) -> Run:
    """Runs a case that fails, and gives the SDK's error."""

    def runs(case: str, **options: Any) -> Any:
        told = node_sdk.run(installed, gateway, case, **options)
        assert "error" in told, told
        return told["error"]

    return runs


def test_unary(run: Run, provider: FakeProvider) -> None:
    provider.next(answers.unary(headers=answers.LEAKING))
    seen = run("unary")
    assert (seen["text"], seen["tokens"], seen["cookie"]) == (TEXT, 18, None)
    assert seen["requestId"] not in {None, "", "req_of_the_provider"}
    assert "gw;dur=" in seen["timing"]


def test_streams(run: Run, provider: FakeProvider) -> None:
    assert run("stream") == {"text": TEXT, "usage": []}
    provider.forget()
    assert run("streamWithUsage") == {"text": TEXT, "usage": [18]}


def test_tools(run: Run, provider: FakeProvider) -> None:
    provider.next(answers.unary(answers.completion(None, tool_calls=[CALL])))
    assert run("tools") == {"name": "weather", "arguments": '{"city":"Paris"}'}


def test_streamed_tools(run: Run, provider: FakeProvider) -> None:
    opened = {"index": 0, "id": "call_1", "type": "function", "function": {"name": "weather", "arguments": ""}}
    events = [answers.chunk({"role": "assistant", "content": None, "tool_calls": [opened]})]
    for part in ('{"ci', 'ty":"Paris"}'):
        events.append(answers.chunk({"tool_calls": [{"index": 0, "function": {"arguments": part}}]}))
    events += [answers.chunk(finish="tool_calls"), answers.chunk(usage=answers.USAGE), answers.DONE]
    provider.next(answers.sse(events))
    seen = run("streamedTools")
    assert (seen["name"], seen["arguments"]) == ("weather", '{"city":"Paris"}')


def test_vision(run: Run) -> None:
    assert run("vision") == TEXT


def test_a_structured_answer(run: Run, provider: FakeProvider) -> None:
    provider.next(answers.unary(answers.completion('{"city":"Paris","people":2100000}')))
    assert run("structured") == {"city": "Paris", "people": 2_100_000}


def test_several_choices(run: Run, provider: FakeProvider) -> None:
    body = answers.completion()
    body["choices"] = [body["choices"][0] | {"index": index} for index in range(3)]
    provider.next(answers.unary(body))
    assert run("choices") == [0, 1, 2]


def test_log_probabilities(run: Run, provider: FakeProvider) -> None:
    token: dict[str, Any] = {"token": "Hello", "logprob": -0.000123456789, "bytes": [72]}
    body = answers.completion("Hello")
    body["choices"][0]["logprobs"] = {"content": [token | {"top_logprobs": [token]}], "refusal": None}
    provider.next(answers.unary(body))
    assert run("logprobs") == -0.000123456789


def test_models(run: Run) -> None:
    seen = run("models")
    assert "fake/fake-1" in seen["ids"]
    assert seen["one"] == "fake/fake-1"


def test_errors_of_the_gateway(fail: Run, provider: FakeProvider) -> None:
    wrong = fail("unary", key="sk-wrong")
    assert (wrong["name"], wrong["status"], wrong["code"]) == ("AuthenticationError", 401, "invalid_api_key")
    unknown = fail("unknownModel")
    assert (unknown["name"], unknown["status"], unknown["code"]) == ("NotFoundError", 404, "model_not_found")
    bad = fail("badRequest")
    assert (bad["name"], bad["status"], bad["param"]) == ("BadRequestError", 400, "messages[0].role")
    assert not provider.requests


def test_errors_of_the_provider(fail: Run, provider: FakeProvider) -> None:
    provider.next(answers.error(400, "Invalid.", type="invalid_request_error", param="seed", code="wrong"))
    refused = fail("unary")
    assert (refused["name"], refused["param"], refused["code"]) == ("BadRequestError", "seed", "wrong")
    provider.next(answers.error(500), answers.error(500))
    failed = fail("unary")
    assert (failed["name"], failed["status"], failed["code"]) == ("InternalServerError", 502, "upstream_unavailable")
    provider.next(answers.cut_event())
    assert fail("stream")["code"] == "upstream_unavailable"


def test_a_rate_limit_is_waited_for_and_tried_again(installed: Path, gateway: Gateway, provider: FakeProvider) -> None:
    provider.next(answers.rate_limited("1"))
    assert node_sdk.run(installed, gateway, "unary", retries=1)["result"]["text"] == TEXT
    first, second = provider.requests
    assert second.at_s - first.at_s >= 0.9
    provider.next(answers.rate_limited("1"))
    limited = node_sdk.run(installed, gateway, "unary")["error"]
    assert (limited["name"], limited["code"]) == ("RateLimitError", "rate_limited")


@pytest.mark.parametrize(
    ("case", "error"), [("timeout", "APIConnectionTimeoutError"), ("abortBeforeHead", "APIUserAbortError")]
)
def test_leaving_before_the_head_ends_at_the_provider(fail: Run, provider: FakeProvider, case: str, error: str) -> None:
    provider.next(answers.STALL_BEFORE_HEAD)
    assert fail(case)["name"] == error
    provider.requests[0].wait_gone()


def test_aborting_a_stream_ends_at_the_provider(run: Run, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    assert run("abortStream") == "chatcmpl-fake"
    provider.requests[0].wait_gone()


def test_ctrl_c_in_a_script_ends_at_the_provider(installed: Path, gateway: Gateway, provider: FakeProvider) -> None:
    provider.next(answers.sse(answers.events()[:3], end=End.STALL))
    command, environ = node_sdk.command(installed, "interrupted"), node_sdk.environ(gateway)
    with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"chatcmpl-fake\n"
        assert not provider.requests[0].gone.is_set()
        process.send_signal(signal.SIGINT)
        provider.requests[0].wait_gone()
        assert process.wait(20) != 0
