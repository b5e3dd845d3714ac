"""The relay: the provider's bytes untouched, the usage event hidden, comments in silences, and nothing that leaks."""

import itertools
import json
import random
from typing import Any

import httpx
import pytest

from tests.fakes import Answer, End, answers
from tests.path.conftest import Ground
from tests.path.evidence import CHAT, STREAM, assert_broken_off, assert_error, row_of, tokens

ODD = (
    b": hello\r\n\r\n",
    b'data:{"choices":[{"index":0,"delta":{"content":"\xe4\xb8\x96\\u00e9"}}],\t"x" : 1e400 , "usage":null}\n\n',
    b'event: message\ndata: {"choices":[{"index":0,\ndata: "delta":{"content":"b"}}]}\n\n',
    b'id: 7\ndata: {"choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}\n\n',
)


@pytest.mark.parametrize("size", [1, 7, 64, 100_000])
def test_bytes_stay_untouched_however_they_are_cut(path: Ground, size: int) -> None:
    whole = b"".join([*ODD, *answers.events()])
    path.provider.next(answers.sse([whole[at : at + size] for at in range(0, len(whole), size)]))
    answer = path.post(STREAM | {"stream_options": {"include_usage": True}})
    assert answer.content == whole
    assert tokens(row_of(path.gateway, answer)) == (11, 7)


def test_any_chunking_gives_the_same_bytes(path: Ground) -> None:
    dice = random.Random(7)
    whole = b"".join(answers.events())
    shown = b"".join(answers.events(usage=None))
    for _ in range(12):
        cuts = sorted({0, len(whole), *(dice.randrange(len(whole)) for _ in range(dice.randrange(1, 40)))})
        path.provider.next(answers.sse([whole[a:b] for a, b in itertools.pairwise(cuts)]))
        assert path.post(STREAM).content == shown


def test_usage_is_asked_for_and_hidden(path: Ground) -> None:
    for body, shown in (
        (STREAM, False),
        (STREAM | {"stream_options": {"include_usage": False}}, False),
        (STREAM | {"stream_options": {"include_usage": True}}, True),
    ):
        answer = path.post(body)
        assert path.provider.requests[-1].json["stream_options"]["include_usage"] is True
        assert ("prompt_tokens" in answer.text) is shown
        row = row_of(path.gateway, answer)
        assert tokens(row) == (11, 7)
        assert (row["cache_read"], row["out_reasoning"]) == (3, 2)


def test_unary_bytes_stay_untouched(path: Ground) -> None:
    body = json.dumps(answers.completion(), indent=3).encode().replace(b'"fake-1"', b'"fake-1" , "odd": 1E400')
    path.provider.next(answers.whole(body))
    assert path.post(CHAT).content == body


@pytest.mark.parametrize("body", [CHAT, STREAM])
def test_headers_of_the_provider_never_leak(path: Ground, body: dict[str, Any]) -> None:
    made = answers.sse(headers=answers.LEAKING) if body.get("stream") else answers.unary(headers=answers.LEAKING)
    path.provider.next(made)
    answer = path.post(body, key=path.gateway.key)
    assert answer.status_code == 200
    for name in ("set-cookie", "openai-organization", "x-served-by", "x-hop"):
        assert name not in answer.headers
    assert answer.headers.get("server") != "cloudflare"
    assert answer.headers["x-request-id"] != "req_of_the_provider"
    assert answer.headers.get("x-ratelimit-limit-requests") != "10000"


def test_headers_of_the_caller_stay_here(path: Ground) -> None:
    sent = {
        "cookie": "session=secret", "connection": "x-mine, keep-alive", "x-mine": "1", "te": "trailers",
        "proxy-authorization": "Basic abc", "x-forwarded-for": "198.51.100.9", "x-request-id": "mine",
    }  # fmt: skip
    answer = path.post(CHAT, headers=path.gateway.headers() | sent)
    assert answer.headers["x-request-id"] != "mine"
    names = {name for name, _ in path.provider.requests[0].headers}
    assert not names & {"cookie", "x-mine", "te", "proxy-authorization", "x-forwarded-for", "proxy-connection"}


def test_the_head_of_a_stream_waits_for_the_first_event_but_not_longer_than_set(path: Ground) -> None:
    path.provider.next(Answer(answers.sse(), delay_s=1.6))
    with httpx.stream("POST", path.url, json=STREAM, headers=path.gateway.headers(), timeout=30) as answer:
        assert answer.status_code == 200
        assert not path.provider.requests[0].done.is_set(), "the head came before the provider spoke"
        assert answer.headers["cache-control"] == "no-store, no-transform"
        assert answer.headers["x-accel-buffering"] == "no"
        body = answer.read()
    comments, _, rest = body.partition(b"data: ")
    assert comments.count(b":") >= 2
    assert all(not line or line.startswith(b":") for line in comments.split(b"\n"))
    assert b"data: " + rest == b"".join(answers.events(usage=None))


def test_comments_fill_silences_between_events(path: Ground) -> None:
    begun = answers.events(usage=None)
    path.provider.next(_silent(begun))
    body = path.post(STREAM).content
    assert b"\n\n:" in body
    assert b"".join(part + b"\n\n" for part in body.split(b"\n\n") if part and part[:1] != b":") == b"".join(begun)


def _silent(made: list[bytes]) -> tuple[answers.Step, ...]:
    steps = answers.sse(made)
    return (*steps[:3], 1.2, *steps[3:])


def test_an_error_in_a_stream_becomes_our_frame(path: Ground) -> None:
    path.provider.next(
        answers.sse([*answers.events()[:3], answers.error_event("http://10.9.8.7/v1 says sk-upstream-fake")], gap_s=0.1)
    )
    answer = path.post(STREAM)
    assert_broken_off(answer.content, "upstream_unavailable")
    assert "10.9.8.7" not in answer.text
    assert "sk-upstream" not in answer.text


def test_deadlines(path: Ground) -> None:
    path.provider.next(answers.STALL_BEFORE_HEAD)
    assert_error(path.post(CHAT), 504, "upstream_timeout")
    path.provider.next(answers.sse(answers.events()[:2], end=End.STALL))
    assert_broken_off(path.post(STREAM).content, "upstream_timeout")
    # Each gap is short, the whole is too long.
    path.provider.next(answers.sse(answers.events(["x"] * 60), gap_s=0.2))
    answer = path.post(STREAM)
    assert len(assert_broken_off(answer.content, "upstream_timeout")) < 60
    assert row_of(path.gateway, answer)["outcome"] == "timeout"
