"""Log probabilities, there and back."""

import msgspec

from fastgw.protocols.gemini.logprobs import Result, from_wire, to_wire
from fastgw.protocols.hub.events import LogProbs
from tests.protocols.gemini.kit import candidate, read

RESULT = {
    "chosenCandidates": [{"token": "ü", "logProbability": -0.5}, {"token": "b", "logProbability": -1.5}],
    "topCandidates": [{"candidates": [{"token": "x", "logProbability": -2.0}]}, {"candidates": []}],
}


def test_they_become_chats_list_and_googles_again() -> None:
    tokens = from_wire(msgspec.convert(RESULT, Result))
    assert msgspec.json.decode(tokens)[0] == {
        "token": "ü", "logprob": -0.5, "bytes": [195, 188],
        "top_logprobs": [{"token": "x", "logprob": -2.0, "bytes": [120]}],
    }  # fmt: skip
    assert to_wire(tokens) == RESULT


def test_they_belong_to_the_text_that_came_with_them() -> None:
    events = read(candidate({"text": "üb"}, logprobsResult=RESULT, finishReason="STOP"))
    assert [event.at for event in events if isinstance(event, LogProbs)] == [0]


def test_what_is_none_is_none() -> None:
    assert from_wire(Result()) == ""
    assert to_wire("{") is None
