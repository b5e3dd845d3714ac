"""Limits: requests, tokens and concurrency of a key, and the headers that tell of them."""

import concurrent.futures

from tests.fakes import Answer, answers
from tests.path.conftest import Ground
from tests.path.evidence import CHAT, STREAM, assert_error, mint, rows, until


def test_requests(path: Ground) -> None:
    key = mint(path.gateway, "--rpm", "3")[1]
    told = [path.post(CHAT, key=key) for _ in range(4)]
    assert [answer.status_code for answer in told] == [200, 200, 200, 429]
    assert [answer.headers["x-ratelimit-limit-requests"] for answer in told] == ["3"] * 4
    assert [answer.headers["x-ratelimit-remaining-requests"] for answer in told] == ["2", "1", "0", "0"]
    assert_error(told[3], 429, "rate_limited")
    assert 1 <= int(told[3].headers["retry-after"]) <= 60
    assert told[3].headers["x-ratelimit-reset-requests"]
    assert len(path.provider.requests) == 3
    assert not rows(path.gateway, told[3].headers["x-request-id"])
    assert_error(path.post(STREAM, key=key), 429, "rate_limited")


def test_tokens(path: Ground) -> None:
    key = mint(path.gateway, "--tpm", "2000")[1]
    first = path.post(CHAT | {"max_tokens": 1_500}, key=key)
    assert first.status_code == 200
    assert first.headers["x-ratelimit-limit-tokens"] == "2000"
    assert int(first.headers["x-ratelimit-remaining-tokens"]) <= 500
    # The estimate was 1,500 and more, the charge 18: after settlement there is room again.
    until(lambda: path.post(CHAT | {"max_tokens": 1_500}, key=key).status_code == 200, "the correction")
    provider_used = answers.completion(usage=answers.USAGE | {"prompt_tokens": 1_990, "total_tokens": 1_997})
    path.provider.default = lambda _: Answer(answers.unary(provider_used))
    until(lambda: path.post(CHAT | {"max_tokens": 10}, key=key).status_code == 429, "the real charge to count")
    refused = path.post(CHAT | {"max_tokens": 1_500}, key=key)
    assert_error(refused, 429, "rate_limited")
    assert int(refused.headers["retry-after"]) >= 1


def test_concurrency(path: Ground) -> None:
    key = mint(path.gateway, "--concurrency", "2")[1]
    path.provider.default = lambda _: Answer(answers.unary(), delay_s=1.5)
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        running = [pool.submit(path.post, CHAT, key=key) for _ in range(2)]
        path.provider.wait_requests(2)
        refused = path.post(CHAT, key=key)
        assert_error(refused, 429, "rate_limited")
        assert int(refused.headers["retry-after"]) >= 1
        assert [one.result().status_code for one in running] == [200, 200]
    path.provider.forget()
    until(lambda: path.post(CHAT, key=key).status_code == 200, "the leases to be given back")
