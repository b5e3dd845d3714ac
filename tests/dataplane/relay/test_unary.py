"""A whole answer: held until it is seen to be one."""

import gzip
import json

import pytest

from fastgw.dataplane.relay.unary import check_answer, content_codings, content_type, plain
from fastgw.errors import AttemptFailed
from fastgw.protocols.registry import PROVIDERS
from tests.dataplane.relay.source import Body
from tests.fakes.answers import completion

CHAT = PROVIDERS["chat"]
ANSWER = json.dumps(completion()).encode()


def test_an_answer_is_read_for_its_usage() -> None:
    usage = check_answer(CHAT.read_answer(ANSWER), ANSWER, b"application/json").usage
    assert usage is not None
    assert usage.total_tokens == 18


@pytest.mark.parametrize("body", [b"", b"<html>", b"[]", b"{}", b'{"choices":[],"error":{"message":"no"}}'])
def test_what_is_no_answer_fails_over(body: bytes) -> None:
    with pytest.raises(AttemptFailed):
        check_answer(CHAT.read_answer(body), body, b"application/json")


def test_codings_are_undone_within_a_bound() -> None:
    source = Body([], content_type=b"Application/JSON; charset=utf-8", content_encoding=b"GZIP")
    assert content_type(source) == b"application/json"
    assert content_codings(source) == ("gzip",)
    assert plain(source, gzip.compress(ANSWER), 10_000) == ANSWER
    for body in (gzip.compress(bytes(10_001)), gzip.compress(ANSWER)[:-3], ANSWER):
        with pytest.raises(AttemptFailed):
            plain(source, body, 10_000)
