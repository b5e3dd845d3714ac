"""Text completions, streamed and whole, valid against OpenAI's description."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.completions.write import CompletionWriter, encode_answer
from fastgw.protocols.hub.conversation import Conversation, Text, Turn
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import BlockEnd, BlockStart, Delta, Event, Finish, Kind, LogProbs, StopReason, Used
from fastgw.protocols.hub.sequence import ordered
from fastgw.protocols.sse import payloads
from fastgw.usage import Usage
from tests.conformance.spec import assert_valid

TOKENS = '[{"token":"He","logprob":-0.5,"bytes":[72],"top_logprobs":[{"token":"Yo","logprob":-1.0}]},'
TOKENS += '{"token":"y","logprob":-0.25}]'
ANSWER: list[Event] = [
    BlockStart(0, Kind.REASONING), Delta(0, "hm"), BlockEnd(0),
    BlockStart(1, Kind.TEXT), Delta(1, "He"), Delta(1, "y"), LogProbs(1, TOKENS), BlockEnd(1),
    BlockStart(2, Kind.TEXT, choice=1), Delta(2, "Yo"), BlockEnd(2),
    Used(Usage(in_text=1, out_text=2)), Finish(StopReason.LENGTH), Finish(StopReason.TOOLS, choice=1),
]  # fmt: skip
PROBABILITIES = {
    "tokens": ["He", "y"], "token_logprobs": [-0.5, -0.25], "top_logprobs": [{"Yo": -1.0}, {}], "text_offset": [6, 8],
}  # fmt: skip


def setting(**more: Any) -> Setting:
    conversation = Conversation("completions", (Turn("user", (Text("prompt"),)),))
    given: dict[str, Any] = {
        "exchange_id": "ex1",
        "model": "alias",
        "created_s": 5,
        "fields": {},
        "family": "x",
        **more,
    }
    return Setting(conversation=conversation, **given)


def streamed(events: list[Event], setup: Setting) -> list[dict[str, Any]]:
    writer = CompletionWriter(setup)
    *found, last = payloads(writer.write(events) + writer.end())
    assert last == b"[DONE]"
    return [msgspec.json.decode(one) for one in found]


def test_a_stream() -> None:
    found = streamed(ordered(ANSWER), setting())
    for one in found:
        # Of a chunk that is not the last, OpenAI's description has no word for the reason; the wire has null.
        usage = {} if one["usage"] is None else {"usage": one["usage"]}
        named = [{**c, "finish_reason": c["finish_reason"] or "stop"} for c in one["choices"]]
        assert_valid({**{k: v for k, v in one.items() if k != "usage"}, "choices": named, **usage},
                     "CreateCompletionResponse")  # fmt: skip
    said = {i: "".join(c["text"] for one in found for c in one["choices"] if c["index"] == i) for i in (0, 1)}
    assert said == {0: "Hey", 1: "Yo"}
    assert [c["logprobs"] for one in found for c in one["choices"] if c["logprobs"]] == [PROBABILITIES]
    ends = [(c["index"], c["finish_reason"]) for one in found for c in one["choices"] if c["finish_reason"]]
    assert ends == [(0, "length"), (1, "stop")]
    assert (found[-1]["choices"], found[-1]["usage"]["total_tokens"]) == ([], 3)
    assert {(one["id"], one["object"], one["model"]) for one in found} == {("cmpl-ex1", "text_completion", "alias")}


def test_usage_is_shown_to_those_who_asked() -> None:
    assert all("usage" not in one for one in streamed(ordered(ANSWER), setting(wants_usage=False)))


def test_an_answer_of_nothing_ends() -> None:
    (one,) = streamed([], setting())
    assert one["choices"] == [{"text": "", "index": 0, "logprobs": None, "finish_reason": "stop"}]


def test_a_whole_answer() -> None:
    body = msgspec.json.decode(encode_answer(ordered(ANSWER), setting()))
    assert_valid(body, "CreateCompletionResponse")
    assert [(c["text"], c["finish_reason"]) for c in body["choices"]] == [("Hey", "length"), ("Yo", "stop")]
    assert [c["logprobs"] for c in body["choices"]] == [PROBABILITIES, None]


@pytest.mark.parametrize("reason", [*StopReason])
def test_every_reason_has_a_word(reason: StopReason) -> None:
    assert_valid(msgspec.json.decode(encode_answer([Finish(reason)], setting())), "CreateCompletionResponse")


def test_an_error_ends_the_stream_with_the_mark() -> None:
    said = CompletionWriter(setting()).fail(GatewayError(ErrorKind.UPSTREAM_CUT, "cut"))
    assert said.startswith(b'data: {"error"') and said.endswith(b"data: [DONE]\n\n")
