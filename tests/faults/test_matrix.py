"""Every way in which a provider fails, unary and streamed: what the caller is told, what is left, what is kept.

`bed` proves after each case that no connection, task, file or lease is left.
"""

import dataclasses
from collections.abc import Sequence
from typing import Any

import httpx
import pytest

from tests.fakes import Answer, End, Step, answers
from tests.faults.conftest import Bed
from tests.path.evidence import CHAT, STREAM, assert_broken_off, assert_error, assert_marked, row_of, tokens

UNAVAILABLE = "upstream_unavailable"
TIMEOUT = "upstream_timeout"
LIMITED = "rate_limited"


@dataclasses.dataclass(frozen=True)
class Fault:
    """What the provider does, and what the caller has to see: a status and code, or the code of an error frame."""

    name: str
    steps: Sequence[Step]
    status: int
    code: str = UNAVAILABLE
    errors: tuple[str, ...] = ("upstream_unavailable", "upstream_bad_response")
    outcome: str = "upstream_error"
    model: str = "fake/fake-1"
    delivered: int = 0
    """Events that the caller sees before the frame."""


BEGUN = answers.events()[:3]
BODY = b'{"id": "chatcmpl-fake", "object": "chat.completion", "choices": ['
TIMED_OUT: dict[str, Any] = {"code": TIMEOUT, "errors": ("upstream_timeout",), "outcome": "timeout"}
BUSY: dict[str, Any] = {"code": LIMITED, "errors": ("upstream_rate_limited",)}
CUT: dict[str, Any] = {"errors": ("upstream_cut", "upstream_bad_response"), "outcome": "cut"}
INNER_ERROR = {"error": {"message": "Overloaded.", "type": "server_error", "param": None, "code": None}}

EITHER = (
    Fault("refused", (), 502, model="refused/fake-1"),
    Fault("tls failure", (), 502, model="untrusted/fake-1"),
    Fault("reset before head", answers.RESET_BEFORE_HEAD, 502),
    Fault("closed before head", answers.CLOSE_BEFORE_HEAD, 502),
    Fault("stall before head", answers.STALL_BEFORE_HEAD, 504, **TIMED_OUT),
    Fault("429", answers.rate_limited("7"), 429, **BUSY),
    Fault("500", answers.error(500), 502),
    Fault("503", answers.error(503), 502),
    Fault("account refused", answers.error(401, "Incorrect API key provided: sk-upstream-fake."), 502),
    Fault("HTML page", answers.html(), 502),
    Fault("HTML page with 502", answers.html(502), 502),
    Fault("garbage", (b"SSH-2.0-OpenSSH_9.2\r\n\r\n", End.CLOSE), 502),
)
UNARY = (
    *EITHER,
    Fault("reset in the body", answers.cut_body(), 502, errors=("upstream_cut", "upstream_unavailable")),
    Fault("closed in the body", answers.cut_body(End.CLOSE), 502, errors=("upstream_cut", "upstream_unavailable",
        "upstream_bad_response")),
    Fault("stall in the body", (answers.head(200, (answers.JSON,), length=900) + BODY, End.STALL), 504, **TIMED_OUT),
    Fault("200 with an error inside", answers.unary(INNER_ERROR), 502),
    Fault("empty body", answers.whole(b""), 502),
    Fault("truncated JSON", answers.whole(BODY), 502),
    Fault("truncated gzip", answers.truncated_gzip(), 502),
)  # fmt: skip
STREAMED = (
    *EITHER,
    Fault("reset mid-event", answers.cut_event(), 200, delivered=3, **CUT),
    Fault("closed mid-event", answers.cut_event(End.CLOSE), 200, delivered=3, **CUT),
    Fault("ended without its end mark", answers.sse(BEGUN), 200, delivered=3, **CUT),
    Fault("stall after the head", answers.sse((), end=End.STALL), 504, **TIMED_OUT),
    Fault("stall between events", answers.sse(BEGUN, end=End.STALL), 200, delivered=3, **TIMED_OUT),
    Fault("200 with an error inside", answers.sse([answers.error_event(), answers.DONE]), 502),
    Fault("200 with an error as JSON", answers.unary(INNER_ERROR), 502),
    Fault("error after events", answers.sse([*BEGUN, answers.error_event("See https://10.1.2.3/x")], gap_s=0.1), 200,
        delivered=3, **CUT),
    Fault("empty stream", answers.empty_stream(), 502),
    Fault("only an end mark", answers.sse([answers.DONE]), 502),
)  # fmt: skip


def named(fault: Fault) -> str:
    return fault.name


@pytest.mark.parametrize("fault", UNARY, ids=named)
def test_unary(bed: Bed, fault: Fault) -> None:
    bed.provider.default = lambda _: Answer(fault.steps)
    answer = bed.post(CHAT | {"model": fault.model})
    assert_error(answer, fault.status, fault.code)
    assert_tells_nothing(answer)
    assert_charged_nothing(bed, answer, fault)


@pytest.mark.parametrize("fault", STREAMED, ids=named)
def test_stream(bed: Bed, fault: Fault) -> None:
    bed.provider.default = lambda _: Answer(fault.steps)
    answer = bed.post(STREAM | {"model": fault.model})
    assert_tells_nothing(answer)
    if fault.status != 200:
        assert_error(answer, fault.status, fault.code)
        assert_charged_nothing(bed, answer, fault)
        return
    assert answer.status_code == 200
    assert_marked(answer)
    assert len(assert_broken_off(answer.content, fault.code)) == fault.delivered
    assert answer.content.startswith(b"".join(BEGUN[: fault.delivered]))
    row = row_of(bed.gateway, answer)
    assert_row(row, fault)
    assert row["usage_estimated"]
    taken, given = tokens(row)
    assert taken > 0
    assert given > 0
    assert row["delivered_bytes"] >= len(b"".join(BEGUN[: fault.delivered]))


def test_a_gzipped_stream_that_is_cut_is_never_whole(bed: Bed) -> None:
    bed.provider.default = lambda _: Answer(answers.truncated_gzip_stream())
    answer = bed.post(STREAM)
    if answer.status_code == 200:
        assert_broken_off(answer.content, UNAVAILABLE)
    else:
        assert_error(answer, 502, UNAVAILABLE)
    row = row_of(bed.gateway, answer)
    assert row["status"] == answer.status_code
    assert row["outcome"] in {"cut", "upstream_error"}


def test_retry_after_of_the_provider_is_handed_on(bed: Bed) -> None:
    bed.provider.default = lambda _: Answer(answers.rate_limited("7"))
    for body in (CHAT, STREAM):
        answer = bed.post(body)
        assert_error(answer, 429, LIMITED)
        assert answer.headers["retry-after"] == "7"


def test_what_the_provider_finds_wrong_is_the_callers(bed: Bed) -> None:
    wrong = answers.error(400, "Bad temperature; see https://api.example.com/x.", param="temperature", code="bad_value")
    for body in (CHAT, STREAM):
        bed.provider.default = lambda _: Answer(wrong)
        answer = bed.post(body)
        inner = assert_error(answer, 400, "bad_value")
        assert inner["param"] == "temperature"
        assert "Bad temperature" in inner["message"]
        assert "example.com" not in answer.text
        row = row_of(bed.gateway, answer)
        assert (row["status"], row["outcome"], row["error"]) == (400, "refused", "upstream_refused")
        assert len(bed.provider.requests) == 1
        bed.provider.forget()


def assert_tells_nothing(answer: httpx.Response) -> None:
    """Neither the provider's address nor its key or cookies reach the caller."""
    told = answer.text + str(answer.headers)
    for secret in ("sk-upstream", "127.0.0.1", "10.1.2.3", "set-cookie", "CERTIFICATE", "OpenSSH"):
        assert secret not in told


def assert_charged_nothing(bed: Bed, answer: httpx.Response, fault: Fault) -> None:
    row = row_of(bed.gateway, answer)
    assert_row(row, fault)
    assert tokens(row) == (0, 0)


def assert_row(row: dict[str, Any], fault: Fault) -> None:
    """The exchange's row tells what the caller was told."""
    assert row["status"] == fault.status
    assert row["outcome"] == fault.outcome
    assert row["error"] in fault.errors
    assert row["attempts"] == 1
    assert row["model"] == fault.model
    assert row["total_ms"] >= row["first_byte_ms"]
