"""What is read of a request, and the splice."""

import json

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.messages.peek import peek, splice
from tests.protocols.messages.lane import lane

BODY = b'{"model":"x","messages":[ {"role":"user","content":"a\\u0062"}],"max_tokens":9,"stream":true,"odd":[1.0]}'


def test_model_stream_and_cap_are_read() -> None:
    seen = peek(toplevel.decode(BODY, 64), FromPath())
    assert (seen.model, seen.stream, seen.output_cap, seen.choices, seen.wants_usage) == ("x", True, 9, 1, True)


@pytest.mark.parametrize(
    ("body", "param"),
    [
        (b'{"messages":[{"role":"user"}]}', "model"),
        (b'{"model":"x"}', "messages"),
        (b'{"model":"x","messages":[]}', "messages"),
        (b'{"model":"x","messages":[{}]}', "messages[0]"),
        (b'{"model":"x","messages":[{"role":"user"}],"max_tokens":"9"}', "max_tokens"),
    ],
)
def test_a_mistake_is_named(body: bytes, param: str) -> None:
    with pytest.raises(GatewayError) as raised:
        peek(toplevel.decode(body, 64), FromPath())
    assert raised.value.param == param


def test_the_splice_changes_the_model_and_nothing_else() -> None:
    fields = toplevel.decode(BODY, 64)
    made = splice(fields, peek(fields, FromPath()), lane())
    assert made == BODY.replace(b'"model":"x"', b'"model":"claude"')


def test_a_lane_may_want_fields_and_no_model() -> None:
    fields = toplevel.decode(BODY, 64)
    extra = {"anthropic_version": msgspec.Raw(b'"v"'), "max_tokens": msgspec.Raw(b"1")}
    made = json.loads(splice(fields, peek(fields, FromPath()), lane(model_in_body=False, extra=extra)))
    assert "model" not in made
    assert (made["anthropic_version"], made["max_tokens"]) == ("v", 9)
