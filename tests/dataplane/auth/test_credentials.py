"""What counts as a key in a request."""

import pytest

from fastgw.dataplane.auth.credentials import Headers, carried, key_of, refuse_key_in_query
from fastgw.errors import ErrorKind, GatewayError


@pytest.mark.parametrize(
    "headers",
    [
        [(b"authorization", b"Bearer sk-1")],
        [(b"authorization", b"bearer   sk-1 ")],
        [(b"authorization", b"sk-1")],
        [(b"x-api-key", b"sk-1")],
        [(b"api-key", b"sk-1")],
        [(b"x-goog-api-key", b"sk-1"), (b"accept", b"*/*")],
        [(b"authorization", b"Bearer sk-1"), (b"x-api-key", b"sk-1")],
        [(b"authorization", b"Bearer "), (b"x-api-key", b"sk-1")],
    ],
)
def test_every_carrier_is_understood(headers: Headers) -> None:
    assert key_of(carried(headers)) == "sk-1"


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [(b"authorization", b"")],
        [(b"authorization", b"Bearer")],
        [(b"authorization", b"Bearer sk-1"), (b"x-api-key", b"sk-2")],
        [(b"x-api-key", b"\xc3\xa4")],
        [(b"x-api-key", b"k" * 257)],
    ],
)
def test_no_key_or_several_is_a_401(headers: Headers) -> None:
    with pytest.raises(GatewayError) as refused:
        key_of(carried(headers))
    assert refused.value.status == 401


@pytest.mark.parametrize("query", [b"key=secret", b"a=1&api_key=secret", b"ACCESS_TOKEN=secret", b"api%2Dkey=secret"])
def test_a_key_in_the_query_is_refused_and_not_repeated(query: bytes) -> None:
    with pytest.raises(GatewayError) as refused:
        refuse_key_in_query(query)
    assert refused.value.kind is ErrorKind.KEY_IN_QUERY
    assert "secret" not in refused.value.message


@pytest.mark.parametrize("query", [b"", b"a=1&beta=true", b"keys=1", b"model=key", b"key"])
def test_other_queries_pass(query: bytes) -> None:
    refuse_key_in_query(query)
