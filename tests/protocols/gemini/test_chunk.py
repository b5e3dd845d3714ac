"""Chunks as providers send them."""

import pytest

from fastgw.protocols.gemini.chunk import contents, decode, is_error


def test_unknown_fields_are_passed_over() -> None:
    said = decode(b'{"candidates":[{"content":{"parts":[{"text":"a","new":1}],"role":"model"},"new":{}}],"new":[]}')
    assert said.candidates is not None
    assert said.candidates[0].content is not None


@pytest.mark.parametrize(
    ("body", "error"), [(b"{}", False), (b'{"error":null}', False), (b'{"error":{"code":1}}', True)]
)
def test_an_error_says_something(body: bytes, error: bool) -> None:
    assert is_error(decode(body).error) is error


@pytest.mark.parametrize(
    ("data", "found"),
    [
        (b'data: {"a":1}\r\n\r\n', [b'{"a":1}']),
        (b'data: {"a":1}\n\n', [b'{"a":1}']),
        (b"data: 1\r\n\r\ndata: 2\r\n\r\n", [b"1", b"2"]),
        (b"data: 1\r\ndata: 2\r\n\r\n", [b"1\n2"]),
        (b"data: 1\r\r\ndata: 2\r\n\r\n", [b"1", b"2"]),
        (b"data: 1\rdata: 2\r\n\r\n", [b"1\n2"]),
        (b": ping\r\n\r\n", []),
    ],
)
def test_the_data_of_events(data: bytes, found: list[bytes]) -> None:
    assert contents(data) == found
