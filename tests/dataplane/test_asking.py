"""Auth and admission as the path asks for them."""

import msgspec

from fastgw import apikey
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.settings.values import Guard
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf


async def test_a_limit_says_when_to_come_back(worker: Worker) -> None:
    key = await worker.mint("two", Limits(requests_per_min=2, requests_burst=1))
    assert (await worker.call(key).answer()).status == 200
    refused = await worker.call(key).answer()
    assert refused.status == 429
    assert 1 <= int(refused.headers[b"retry-after"]) <= 30
    assert refused.headers[b"x-ratelimit-remaining-requests"] == b"0"
    await worker.until_nothing_is_left()


async def test_a_call_larger_than_any_burst_is_admitted_at_the_price_of_all_of_it(worker_of: WorkerOf) -> None:
    worker = await worker_of(guard=Guard(address=Limits(tokens_per_min=60_000, tokens_burst=500)))
    key = await worker.mint("two", Limits(tokens_per_min=60_000, tokens_burst=1_000))
    assert (await worker.call(key, max_tokens=50_000).answer()).status == 200
    await worker.until_nothing_is_left()


async def test_no_key_and_a_wrong_key_are_told_apart_from_nothing_else(worker: Worker) -> None:
    refused = await worker.call("sk-wrong").answer()
    assert (refused.status, refused.headers[b"www-authenticate"]) == (401, b"Bearer")
    assert worker.records() == []


async def test_a_group_is_open_to_its_own_endpoints_alone(worker_of: WorkerOf) -> None:
    worker = await worker_of('\n[groups.chatters]\nendpoints = ["chat"]\n')
    key = apikey.mint()
    await worker.mirror.sync([Principal("key_c", apikey.digest(key), 1, "c", Limits(), group="chatters")])
    assert (await worker.call(key).answer()).status == 200
    asked = {"model": "fake/fake-1", "input": "hi"}
    refused = await Caller(worker.wiring.responses, key, asked).answer()
    assert refused.status == 404
    assert msgspec.json.decode(refused.text)["code"] == "endpoint_not_allowed"
    assert (await Caller(worker.wiring.responses, worker.key, asked).answer()).status == 200
    await worker.until_nothing_is_left()
