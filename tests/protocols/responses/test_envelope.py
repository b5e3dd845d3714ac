"""The response object repeats the question, and has every field from the first event on."""

from typing import Any

import msgspec
import pytest

from fastgw.errors import ErrorKind, GatewayError
from fastgw.protocols.responses.envelope import Envelope, failure
from fastgw.usage import Usage
from tests.conformance import spec
from tests.protocols.responses import codex, open_spec
from tests.protocols.responses.kit import setting


def response(status: str = "in_progress", /, **given: Any) -> dict[str, Any]:
    made: dict[str, Any] = msgspec.json.decode(Envelope(setting(**given)).response(status))
    spec.assert_valid(made, "Response")
    return made


def test_what_the_caller_did_not_say() -> None:
    made = response()
    open_spec.assert_valid(made, "ResponseResource")
    assert (made["tools"], made["tool_choice"], made["text"]) == ([], "auto", {"format": {"type": "text"}})
    assert (made["temperature"], made["metadata"], made["instructions"], made["store"]) == (1.0, {}, None, False)
    assert (made["output"], made["usage"], made["error"], made["incomplete_details"]) == ([], None, None, None)
    assert (made["id"], made["created_at"], made["model"]) == ("resp_x1", 1_800_000_000, "m")


@pytest.mark.parametrize(("status", "at"), [("completed", 1_800_000_000), ("incomplete", None), ("failed", None)])
def test_only_a_completed_answer_has_the_time_of_it(status: str, at: int | None) -> None:
    assert response(status)["completed_at"] == at


def test_what_the_caller_said_is_repeated() -> None:
    given = {
        "temperature": 0.0, "top_p": 0.5, "metadata": {"a": "b"}, "instructions": "Be brief.", "max_output_tokens": 9,
        "tool_choice": {"type": "function", "name": "f"}, "parallel_tool_calls": False, "truncation": "auto",
        "top_logprobs": 2, "prompt_cache_key": "k", "safety_identifier": "u", "service_tier": "flex", "user": "v",
        "max_tool_calls": 4, "prompt_cache_retention": "24h",
    }  # fmt: skip
    made = response(**given, text={"verbosity": "low", "format": None}, reasoning={"effort": "high"}, store=True)
    assert {name: made[name] for name in given} == given
    assert made["text"] == {"format": {"type": "text"}, "verbosity": "low"}
    assert (made["reasoning"], made["store"]) == ({"effort": "high", "summary": None}, False)


def test_functions_have_all_their_fields() -> None:
    (tool,) = response(tools=[{"type": "function", "name": "f"}])["tools"]
    assert tool == {"type": "function", "name": "f", "description": None, "parameters": None, "strict": None}


def test_a_request_of_codex_is_repeated() -> None:
    given = codex.request()
    made = msgspec.json.decode(Envelope(setting(**given)).response("in_progress"))
    assert (made["tools"], made["instructions"]) == (given["tools"], given["instructions"])


def test_the_end() -> None:
    made = msgspec.json.decode(Envelope(setting()).response(
        "incomplete", [b'{"a":1}', b'{"b":2}'], Usage(1, out_text=2), incomplete="max_output_tokens",
    ))  # fmt: skip
    assert (made["output"], made["usage"]["total_tokens"]) == ([{"a": 1}, {"b": 2}], 3)
    assert made["incomplete_details"] == {"reason": "max_output_tokens"}


@pytest.mark.parametrize("kind", list(ErrorKind))
def test_every_error_has_a_code_of_the_closed_list(kind: ErrorKind) -> None:
    code, message = failure(GatewayError(kind, "x"))
    if code != "insufficient_quota":
        spec.assert_valid({"code": code, "message": message}, "ResponseError")


def test_codes_that_clients_act_upon() -> None:
    too_long = GatewayError(ErrorKind.UPSTREAM_REFUSED, "Too long.", code="context_length_exceeded")
    assert failure(too_long) == ("context_length_exceeded", "Too long.")
    assert failure(GatewayError(ErrorKind.UPSTREAM_RATE_LIMITED, "x"))[0] == "rate_limit_exceeded"
    assert failure(GatewayError(ErrorKind.UPSTREAM_REFUSED, "x"))[0] == "invalid_prompt"
    assert failure(GatewayError(ErrorKind.UPSTREAM_REFUSED, "x", code="odd"))[0] == "invalid_prompt"
