"""Whole exchanges with clouds: signed and tokened requests, a binary stream, and callers of every dialect."""

import pytest

from tests.cells.callers import CALLERS
from tests.cells.conftest import Ground
from tests.cells.question import Question, Received
from tests.clouds.played import BEDROCK_KEY, signature_is_right, throttled
from tests.fakes import Seen
from tests.protocols.converse.shapes import assert_shape

pytestmark = pytest.mark.asyncio(loop_scope="package")

CLAUDE = "eu.anthropic.claude-opus-4-5-20251101-v1:0"
ARN = "arn:aws:bedrock:eu-west-1:123456789012:inference-profile/eu.anthropic.claude-opus-4-5"


async def ask(clouds: Ground, caller: str, model: str, question: Question, *, stream: bool) -> Received:
    body = CALLERS[caller].body(question, model, stream=stream)
    return await clouds.ask(caller, CALLERS[caller].path(model, stream=stream), body)


def asked(clouds: Ground, marker: str) -> list[Seen]:
    return [seen for seen in clouds.provider.requests if marker in seen.target]


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("caller", CALLERS)
async def test_bedrock_serves_every_caller(clouds: Ground, caller: str, stream: bool) -> None:
    question = Question("How is the weather?", tools=("weather",), cap=3_000, thinks=True)
    got = await ask(clouds, caller, f"bedrock/{CLAUDE}", question, stream=stream)
    assert got.status == 200, got.body
    assert got.whole
    (seen,) = clouds.provider.requests
    assert seen.target == f"/model/{CLAUDE.replace(':', '%3A')}/converse{'-stream' if stream else ''}"
    assert signature_is_right(seen)
    assert_shape(seen.json | {"modelId": CLAUDE}, "ConverseRequest")
    heard = CALLERS[caller].hear(got, stream=stream)
    assert heard.text == "I will look."
    ((_, name, arguments),) = heard.calls
    assert (name, arguments) == ("weather", {"city": "Oslo"})
    assert (heard.usage["taken"], heard.usage["given"], heard.usage["read"]) == (14, 7, 3)


async def test_reasoning_comes_back_to_bedrock_as_it_was(clouds: Ground) -> None:
    question = Question("How is the weather?", tools=("weather",), cap=3_000, thinks=True)
    chosen = CALLERS["messages"]
    first = chosen.body(question, f"bedrock/{CLAUDE}", stream=False)
    heard = chosen.hear(await clouds.ask("messages", "/v1/messages", first), stream=False)
    again = chosen.again(first, heard, ["4 °C"])
    await clouds.ask("messages", "/v1/messages", again)
    turn = clouds.provider.requests[-1].json["messages"][1]["content"]
    assert turn[0] == {"reasoningContent": {"reasoningText": {"text": "Hm.", "signature": "c2ln"}}}
    result = clouds.provider.requests[-1].json["messages"][2]["content"][0]["toolResult"]
    assert result["content"] == [{"text": "4 °C"}]
    assert result["toolUseId"] == turn[2]["toolUse"]["toolUseId"]


async def test_a_bedrock_key_is_a_bearer_token(clouds: Ground) -> None:
    got = await ask(clouds, "chat", f"keyed/{ARN}", Question(), stream=False)
    assert got.status == 200, got.body
    (seen,) = clouds.provider.requests
    assert seen.header("authorization") == f"Bearer {BEDROCK_KEY}"
    assert seen.target.count("/") == 3, "a name with slashes and colons stays one segment"


async def test_an_exception_ahead_of_the_first_word_is_an_error_of_the_callers_dialect(clouds: Ground) -> None:
    clouds.provider.default = lambda seen: throttled()
    got = await ask(clouds, "chat", f"bedrock/{CLAUDE}", Question(), stream=True)
    assert got.status >= 400
    assert "error" in got.json
    assert b"123456789012" not in got.body


async def test_vertex_is_asked_with_a_token_that_is_fetched_once(clouds: Ground) -> None:
    for stream in (False, True):
        got = await ask(clouds, "messages", "vertex/gemini-3-pro", Question(), stream=stream)
        assert got.status == 200, got.body
        assert CALLERS["messages"].hear(got, stream=stream).text == "Hello there."
    unary, streamed = asked(clouds, "/publishers/")
    base = "/v1/projects/p/locations/global/publishers/google/models/gemini-3-pro:"
    assert (unary.target, streamed.target) == (f"{base}generateContent", f"{base}streamGenerateContent?alt=sse")
    assert {seen.header("authorization") for seen in (unary, streamed)} == {"Bearer ya29.token"}
    assert not any(seen.header("x-goog-api-key") for seen in (unary, streamed))
    assert len(asked(clouds, "/token")) <= 1


async def test_without_a_token_nothing_is_asked(clouds: Ground) -> None:
    got = await ask(clouds, "chat", "refused/gemini-3-pro", Question(), stream=False)
    assert got.status >= 500
    assert "error" in got.json
    assert b"127.0.0.1" not in got.body
    assert not asked(clouds, "/publishers/")


async def test_classic_azure(clouds: Ground) -> None:
    got = await ask(clouds, "chat", "classic/my gpt", Question(), stream=False)
    assert got.status == 200, got.body
    (seen,) = clouds.provider.requests
    assert seen.target == "/openai/deployments/my%20gpt/chat/completions?api-version=2024-10-21"
    assert seen.header("api-key") == "azure-key"
    assert not seen.header("authorization")
