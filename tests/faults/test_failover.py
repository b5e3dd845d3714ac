"""Failover: the next candidate answers while nothing has reached the caller, and never afterwards."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import httpx
import pytest

from tests.fakes import Answer, End, FakeProvider, Step, answers
from tests.fakes.gateway import Gateway, provider_toml
from tests.fakes.provider import Seen, plausible
from tests.faults.conftest import FAILOVERS, Bed
from tests.path.evidence import CHAT, STREAM, assert_broken_off, assert_error, row_of, tokens

numbers = itertools.count()

BEFORE_ANY_EVENT: dict[str, Sequence[Step]] = {
    "reset": answers.RESET_BEFORE_HEAD,
    "500": answers.error(500),
    "429": answers.rate_limited("1"),
    "HTML": answers.html(),
}
ONLY_STREAMS: dict[str, Sequence[Step]] = {
    "error inside": answers.sse([answers.error_event(), answers.DONE]),
    "empty": answers.empty_stream(),
}


def first_fails(steps: Sequence[Step]) -> Callable[[Seen], Answer]:
    return lambda seen: Answer(steps) if seen.target.startswith("/first/") else plausible(seen)


@pytest.fixture
def pair() -> str:
    """A model whose first provider has not failed yet."""
    number = next(numbers)
    assert number < FAILOVERS
    return f"pair-{number}"


@pytest.mark.parametrize("steps", [pytest.param(steps, id=name) for name, steps in BEFORE_ANY_EVENT.items()])
def test_the_second_answers_a_unary_call(bed: Bed, pair: str, steps: Sequence[Step]) -> None:
    bed.provider.default = first_fails(steps)
    answer = bed.post(CHAT | {"model": pair})
    assert answer.status_code == 200
    assert answer.json() == answers.completion()
    assert_second_paid(bed, answer)


@pytest.mark.parametrize("steps", [pytest.param(steps, id=name) for name, steps in ONLY_STREAMS.items()])
def test_the_second_answers_a_stream(bed: Bed, pair: str, steps: Sequence[Step]) -> None:
    bed.provider.default = first_fails(steps)
    answer = bed.post(STREAM | {"model": pair})
    assert answer.content == b"".join(answers.events(usage=None))
    assert_second_paid(bed, answer)


def test_no_failover_once_an_event_has_left(bed: Bed, pair: str) -> None:
    bed.provider.default = first_fails(answers.cut_event())
    answer = bed.post(STREAM | {"model": pair})
    assert len(assert_broken_off(answer.content, "upstream_unavailable")) == 3
    assert row_of(bed.gateway, answer)["attempts"] == 1
    assert not any("/second/" in seen.target for seen in bed.provider.requests)


def test_when_all_fail_the_sdk_is_told_not_to_try_again(bed: Bed, pair: str) -> None:
    bed.provider.default = lambda _: Answer(answers.error(500))
    answer = bed.post(CHAT | {"model": pair})
    assert_error(answer, 502, "upstream_unavailable")
    assert answer.headers["x-should-retry"] == "false"
    assert row_of(bed.gateway, answer)["attempts"] == 2


def test_what_the_provider_refuses_is_not_tried_elsewhere(bed: Bed, pair: str) -> None:
    bed.provider.default = first_fails(answers.error(400, "No."))
    assert bed.post(CHAT | {"model": pair}).status_code == 400
    assert len(bed.provider.requests) == 1


@pytest.fixture(scope="module")
def two_keys(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Gateway, FakeProvider]]:
    """A provider with two credentials, a stream's head held for 300 ms only, and comments every 300 ms of silence."""
    config = "[deadlines]\nhold_headers_ms = 300\nkeepalive_ms = 300\ntimeout_first_byte_ms = 2000\n"
    credentials = "".join(
        f'[[providers.credentials]]\nlabel = "{name}"\nsecret = "sk-upstream-{name}"\n' for name in ("one", "two")
    )
    with FakeProvider() as provider:
        config += provider_toml("fake", provider.url, more=credentials).replace('secret = "sk-upstream-fake"\n', "")
        with Gateway(Path(tmp_path_factory.mktemp("keys") / "gateway"), config) as gateway:
            yield gateway, provider


def test_another_credential_of_the_same_provider(two_keys: tuple[Gateway, FakeProvider]) -> None:
    gateway, provider = two_keys
    provider.forget()
    good = "Bearer sk-upstream-two"
    provider.default = lambda seen: (
        plausible(seen) if seen.header("authorization") == good else Answer(answers.error(401))
    )
    url = f"{gateway.base_url}/chat/completions"
    told = [httpx.post(url, json=CHAT, headers=gateway.headers(), timeout=30) for _ in range(3)]
    assert [answer.status_code for answer in told] == [200, 200, 200]
    used = [seen.header("authorization") for seen in provider.requests]
    assert set(used) <= {good, "Bearer sk-upstream-one"}
    assert used.count("Bearer sk-upstream-one") <= 1, "a refused credential is spared"


def test_failover_goes_on_after_200_until_the_first_event(two_keys: tuple[Gateway, FakeProvider]) -> None:
    gateway, provider = two_keys
    provider.forget()
    # Both credentials are warm or cold by then: whichever comes first stalls beyond the hold, then fails.
    provider.next(Answer(answers.error(500), delay_s=1.0))
    url = f"{gateway.base_url}/chat/completions"
    answer = httpx.post(url, json=STREAM, headers=gateway.headers(), timeout=30)
    assert answer.status_code == 200
    comments = answer.content[: answer.content.index(b"data: ")]
    assert comments.startswith(b":")
    assert answer.content[len(comments) :] == b"".join(answers.events(usage=None))
    assert row_of(gateway, answer)["attempts"] == 2


def test_a_final_failure_after_200_is_a_frame(two_keys: tuple[Gateway, FakeProvider]) -> None:
    gateway, provider = two_keys
    provider.forget()
    provider.default = lambda _: Answer((End.RESET,), delay_s=0.8)
    url = f"{gateway.base_url}/chat/completions"
    answer = httpx.post(url, json=STREAM, headers=gateway.headers(), timeout=30)
    assert answer.status_code == 200
    assert assert_broken_off(answer.content, "upstream_unavailable") == []
    row = row_of(gateway, answer)
    assert (row["status"], row["attempts"], tokens(row)) == (200, 2, (0, 0))


def assert_second_paid(bed: Bed, answer: httpx.Response) -> None:
    row = row_of(bed.gateway, answer)
    assert (row["provider"], row["attempts"], row["outcome"], row["status"]) == ("second", 2, "ok", 200)
    assert tokens(row) == (11, 7)
    assert not row["usage_estimated"]
