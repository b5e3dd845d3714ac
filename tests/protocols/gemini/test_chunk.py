"""Chunks as providers send them."""

import pytest

from fastgw.protocols.gemini.chunk import decode, is_error


def test_unknown_fields_are_passed_over() -> None:
    said = decode(b'{"candidates":[{"content":{"parts":[{"text":"a","new":1}],"role":"model"},"new":{}}],"new":[]}')
    assert said.candidates is not None
    assert said.candidates[0].content is not None


@pytest.mark.parametrize(
    ("body", "error"), [(b"{}", False), (b'{"error":null}', False), (b'{"error":{"code":1}}', True)]
)
def test_an_error_says_something(body: bytes, error: bool) -> None:
    assert is_error(decode(body).error) is error
