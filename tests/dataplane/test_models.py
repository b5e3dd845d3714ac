"""Lists of models: only what the key may use, and limits told."""

import msgspec

from fastgw.limits import Limits
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker


def ask(worker: Worker, key: str, model: str = "") -> Caller:
    scope = {"path_params": {"model": model}} if model else {}
    return Caller(worker.wiring.models, key, method="GET", path="/v1/models", **scope)


async def test_a_key_sees_what_it_may_use(worker: Worker) -> None:
    every = msgspec.json.decode((await ask(worker, worker.key).answer()).text)
    assert {"fake/fake-1", "fake/fake-2"} <= {one["id"] for one in every["data"]}
    key = await worker.mint("two", models=("fake/fake-1",))
    mine = msgspec.json.decode((await ask(worker, key).answer()).text)
    assert "fake/fake-2" not in {one["id"] for one in mine["data"]}
    assert (await ask(worker, key, "fake/fake-1").answer()).status == 200
    assert (await ask(worker, key, "fake/fake-2").answer()).status == 404
    await worker.until_nothing_is_left()


async def test_a_refusal_by_a_limit_tells_the_limit(worker: Worker) -> None:
    key = await worker.mint("two", Limits(requests_per_min=1, requests_burst=1))
    assert (await ask(worker, key).answer()).status == 200
    refused = await ask(worker, key).answer()
    assert (refused.status, refused.headers[b"x-ratelimit-limit-requests"]) == (429, b"1")
    assert b"retry-after" in refused.headers
