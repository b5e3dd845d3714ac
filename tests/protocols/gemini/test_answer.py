"""A whole answer that is relayed untouched, and the one that is written."""

import msgspec
import pytest

from fastgw.protocols.gemini.dialect import DIALECT
from fastgw.protocols.hub.events import Finish, StopReason
from fastgw.usage import Usage
from tests.protocols.gemini.kit import candidate, valid_answer, whole

USED = {
    "promptTokenCount": 2,
    "candidatesTokenCount": 3,
    "promptTokensDetails": [{"modality": "TEXT", "tokenCount": 2}],
}


@pytest.mark.parametrize(
    ("body", "valid", "error"),
    [
        (candidate({"text": "a"}), True, False),
        ({"promptFeedback": {"blockReason": "SAFETY"}}, True, False),
        ({"totalTokens": 5}, True, False),
        ({"error": {"message": "no"}}, False, True),
        ({**candidate({"text": "a"}), "error": {"message": "no"}}, False, True),
        ({"choices": []}, False, False),
        ([], False, False),
    ],
)
def test_what_it_is(body: object, valid: bool, error: bool) -> None:
    reading = DIALECT.read_answer(msgspec.json.encode(body))
    assert (reading.valid, reading.error, reading.usage) == (valid, error, None)


def test_its_usage() -> None:
    body = msgspec.json.encode({**candidate({"text": "a"}), "usageMetadata": USED, "modelVersion": "m"})
    assert DIALECT.read_answer(body).usage == Usage(2, out_text=3)
    assert DIALECT.usage_in_tail(body[-200:]) == Usage(2, out_text=3)
    assert DIALECT.usage_in_tail(body[:-60]) is None
    assert DIALECT.usage_in_tail(b"}") is None
    assert not DIALECT.read_answer(b"<html>").valid


def test_a_refusal_says_why() -> None:
    body = whole([Finish(StopReason.REFUSAL, words="no weapons")])
    valid_answer(body)
    (refused,) = body["candidates"]
    assert (refused["finishReason"], refused["finishMessage"]) == ("SAFETY", "no weapons")
    assert "usageMetadata" not in body
