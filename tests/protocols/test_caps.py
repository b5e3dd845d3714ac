"""Every caller dialect can be told a cap, which then is the only one."""

import msgspec
import pytest

from fastgw.errors import GatewayError
from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.registry import CALLERS

_TURNS = '"messages":[{"role":"user","content":"hi"}]'
_BODIES = [
    ("chat", "{" + _TURNS + "}"),
    ("chat", "{" + _TURNS + ',"max_tokens":9000}'),
    ("chat", "{" + _TURNS + ',"max_completion_tokens":1,"max_tokens":9000}'),
    ("completions", '{"prompt":"hi"}'),
    ("completions", '{"prompt":"hi","max_tokens":9000}'),
    ("responses", '{"input":"hi"}'),
    ("responses", '{"input":"hi","max_output_tokens":9000}'),
    ("compact", '{"input":"hi"}'),
    ("messages", '{"max_tokens":9000,' + _TURNS + "}"),
    ("gemini", '{"contents":[{"parts":[{"text":"hi"}]}]}'),
    ("gemini", '{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":{"temperature":1,"maxOutputTokens":9000}}'),
    ("gemini", '{"contents":[{"parts":[{"text":"hi"}]}],"generation_config":{"max_output_tokens":9000,"topK":3}}'),
    ("gemini", '{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":null}'),
]


@pytest.mark.parametrize(("dialect", "body"), _BODIES)
def test_the_cap_that_is_told_is_the_only_one(dialect: str, body: str) -> None:
    caller = CALLERS[dialect]
    said = FromPath(model="m")
    fields = msgspec.json.decode(body, type=toplevel.Fields)
    if dialect != "gemini":
        fields["model"] = msgspec.Raw(b'"m"')
    capped = caller.with_cap(fields, 7)
    assert caller.peek(capped, said).output_cap == 7
    assert caller.decode_request(capped, said, Losses()).output_cap == 7
    assert b"9000" not in msgspec.json.encode(capped)
    rest = {k: v for k, v in msgspec.json.decode(msgspec.json.encode(fields)).items() if "onfig" not in k}
    assert all(
        msgspec.json.decode(capped[name]) == value for name, value in rest.items() if not name.startswith("max_")
    )


def test_what_else_is_configured_stays() -> None:
    body = '{"contents":[],"generation_config":{"max_output_tokens":9000,"topK":3}}'
    capped = CALLERS["gemini"].with_cap(msgspec.json.decode(body, type=toplevel.Fields), 7)
    assert msgspec.json.decode(capped["generationConfig"]) == {"topK": 3, "maxOutputTokens": 7}


def test_of_two_spellings_of_the_choices_the_counted_one_is_sent() -> None:
    gemini = CALLERS["gemini"]
    config = '{"candidateCount":8,"candidate_count":2,"CandidateCount":64,"MaxOutputTokens":9000}'
    body = '{"contents":[{"parts":[{"text":"hi"}]}],"generationConfig":' + config + "}"
    fields = msgspec.json.decode(body, type=toplevel.Fields)
    counted = gemini.peek(fields, FromPath(model="m")).choices
    sent = msgspec.json.decode(gemini.with_cap(fields, 7)["generationConfig"])
    assert sent == {"maxOutputTokens": 7, "candidateCount": counted} == {"maxOutputTokens": 7, "candidateCount": 2}


def test_the_cap_goes_into_a_request_in_a_wrapper() -> None:
    body = '{"generate_content_request":{"contents":[{"parts":[{"text":"hi"}]}]}}'
    capped = CALLERS["gemini"].with_cap(msgspec.json.decode(body, type=toplevel.Fields), 7)
    assert CALLERS["gemini"].decode_request(capped, FromPath(model="m"), Losses()).output_cap == 7


def test_a_wrapper_in_a_wrapper_is_refused() -> None:
    inner = '{"generateContentRequest":{"contents":[{"parts":[{"text":"hi"}]}]}}'
    fields = msgspec.json.decode('{"generateContentRequest":' + inner + "}", type=toplevel.Fields)
    with pytest.raises(GatewayError):
        CALLERS["gemini"].peek(fields, FromPath(model="m"))
