"""Strict decoding: known fields typed, unknown ones listed and cut out, every other byte kept."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from fastgw.errors import GatewayError
from fastgw.protocols import strict
from fastgw.protocols.hub.losses import Losses


class Note(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="note"):
    text: str
    raw: msgspec.Raw = msgspec.Raw(b"")


class Call(msgspec.Struct, forbid_unknown_fields=True, tag_field="type", tag="call"):
    name: str
    extra: int = 0


class Line(msgspec.Struct, forbid_unknown_fields=True):
    role: str
    parts: list[Note | Call] = []


LINES = msgspec.json.Decoder(list[Line])


def test_what_is_known_is_decoded_in_one_go() -> None:
    losses = Losses()
    lines = strict.decode(
        LINES, b'[{"role":"a","parts":[{"type":"note","text":"x","raw":{"b": 1.0, "a":1e400}}]}]', "m", losses
    )
    part = lines[0].parts[0]
    assert isinstance(part, Note)
    assert bytes(part.raw) == b'{"b": 1.0, "a":1e400}'
    assert not losses


def test_unknown_fields_are_listed_by_path_and_every_other_byte_stays() -> None:
    losses = Losses()
    body = (
        b'[{"role":"a","seen":1,"parts":[{"type":"call","name":"f","extra":3},'
        b'{"type":"note","text":"x","extra":[1],"raw":{"b": 1.0}}]},{"role":"b","seen":2}]'
    )
    lines = strict.decode(LINES, body, "m", losses)
    call, note = lines[0].parts
    assert isinstance(call, Call)
    assert isinstance(note, Note)
    assert call.extra == 3, "known to its own type"
    assert bytes(note.raw) == b'{"b": 1.0}'
    assert losses.paths == ("m[0].seen", "m[0].parts[1].extra")


def test_a_wrong_type_is_refused_with_its_path() -> None:
    with pytest.raises(GatewayError) as refused:
        strict.decode(LINES, b'[{"role":"a","parts":[{"type":"note","text":7}]}]', "m", Losses())
    assert refused.value.param == "m[0].parts[0].text"
    with pytest.raises(GatewayError):
        strict.decode(LINES, b'[{"role":"a"', "m", Losses())


def test_a_flood_of_unknown_fields_is_refused() -> None:
    body = msgspec.json.encode([{"role": "a"} | {f"x{number}": 1 for number in range(strict.ROUNDS_MAX + 1)}])
    with pytest.raises(GatewayError):
        strict.decode(LINES, body, "m", Losses())


@given(st.lists(st.dictionaries(st.sampled_from(["role", "x", "y", 'odd "name"', "parts"]), st.integers()), max_size=4))
def test_nothing_breaks_it(lines: list[dict[str, int]]) -> None:
    losses = Losses()
    try:
        found = strict.decode(LINES, msgspec.json.encode([{"role": "a"} | line for line in lines]), "m", losses)
    except GatewayError as error:
        assert error.status == 400
    else:
        assert len(found) == len(lines)
        assert bool(losses) == any({"x", "y", 'odd "name"'} & line.keys() for line in lines)
