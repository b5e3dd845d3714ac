"""Unary answers: what is one, what hides an error, and what it used."""

import pytest

from fastgw.protocols.chat.answer import read_answer, usage_in_tail
from fastgw.usage import Usage

USAGE = b'"usage":{"prompt_tokens":3,"completion_tokens":2,"prompt_tokens_details":{"cached_tokens":1}}'


@pytest.mark.parametrize(
    ("body", "valid", "error"),
    [
        (b'{"choices":[]}', True, False),
        (b'{"choices":[{"finish_reason":"stop"}],"error":null}', True, False),
        (b'{"choices":[{"finish_reason":5}]}', True, False),
        (b'{"error":{"message":"no"}}', False, True),
        (b'{"choices":[],"error":{"message":"no"}}', False, True),
        (b'{"choices":5,"error":"no"}', False, True),
        (b"{}", False, False),
        (b"", False, False),
        (b"<html>", False, False),
        (b'{"choices":[', False, False),
        (b"[]", False, False),
        (b'{"choices":[{"finish_reason":"\xff"}]}', False, False),
        (b'{"choices":[{"finish_reason":5}],"x":' + b"[" * 100_000 + b"}", False, False),
    ],
)
def test_answers(body: bytes, valid: bool, error: bool) -> None:
    reading = read_answer(body)
    assert (reading.valid, reading.error) == (valid, error)


def test_usage_is_read() -> None:
    expected = Usage(in_text=2, cache_read=1, out_text=2)
    assert read_answer(b'{"choices":[],' + USAGE + b"}").usage == expected
    assert read_answer(b'{"choices":[{"finish_reason":1}],' + USAGE + b"}").usage == expected


def test_usage_is_found_at_the_end_of_a_large_answer() -> None:
    assert usage_in_tail(b'xx"}],' + USAGE + b"}") == Usage(in_text=2, cache_read=1, out_text=2)
    assert usage_in_tail(b"nothing") is None
