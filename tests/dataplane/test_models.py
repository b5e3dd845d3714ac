"""Lists of models: only what the key may use, in the shape of who asks, and limits told."""

from typing import Any

import msgspec
import pytest

from fastgw import apikey
from fastgw.dataplane.models import asked_in
from fastgw.exchange import Principal
from fastgw.limits import Limits
from tests.dataplane.caller import Caller
from tests.dataplane.conftest import Worker, WorkerOf

ANTHROPIC = (b"anthropic-version", b"2026-10-21")


def ask(worker: Worker, key: str, model: str = "", *, path: str = "/v1/models", query: bytes = b"") -> Caller:
    scope: dict[str, Any] = {"path_params": {"model": model}} if model else {}
    return Caller(worker.wiring.models, key, method="GET", path=path, query_string=query, **scope)


def as_anthropic(caller: Caller) -> Caller:
    caller.scope["headers"].append(ANTHROPIC)
    return caller


def as_google(caller: Caller) -> Caller:
    key = dict(caller.scope["headers"])[b"authorization"].removeprefix(b"Bearer ")
    caller.scope["headers"] = [(b"x-goog-api-key", key)]
    return caller


async def body_of(caller: Caller) -> dict[str, Any]:
    answer = await caller.answer()
    assert answer.headers[b"content-type"] == b"application/json"
    seen: dict[str, Any] = msgspec.json.decode(answer.text)
    return seen


@pytest.mark.parametrize(
    ("path", "headers", "dialect"),
    [
        ("/v1/models", [(b"authorization", b"Bearer k")], "chat"),
        ("/v1/models", [ANTHROPIC, (b"authorization", b"Bearer k")], "messages"),
        ("/v1/models", [ANTHROPIC, (b"x-api-key", b"k")], "messages"),
        ("/v1/models", [(b"x-api-key", b"k")], "chat"),
        ("/v1/models", [(b"x-goog-api-key", b"k")], "gemini"),
        ("/v1beta/models", [(b"authorization", b"Bearer k")], "gemini"),
        ("/api/v1beta/models/x", [], "gemini"),
    ],
)
def test_who_asks_is_told_by_path_and_headers(path: str, headers: list[tuple[bytes, bytes]], dialect: str) -> None:
    assert asked_in({"path": path, "headers": headers}) == dialect


async def test_a_key_sees_what_it_may_use_in_every_shape(worker: Worker) -> None:
    every = await body_of(ask(worker, worker.key))
    assert {"fake/fake-1", "fake/fake-2"} <= {one["id"] for one in every["data"]}
    key = await worker.mint("two", models=("fake/fake-1",))
    mine = await body_of(ask(worker, key))
    assert [one["id"] for one in mine["data"]] == ["fake/fake-1"]
    anthropic = await body_of(as_anthropic(ask(worker, key)))
    assert (anthropic["first_id"], anthropic["last_id"], anthropic["has_more"]) == ("fake/fake-1", "fake/fake-1", False)
    google = await body_of(as_google(ask(worker, key)))
    assert [one["name"] for one in google["models"]] == ["models/fake/fake-1"]
    assert "nextPageToken" not in google
    await worker.until_nothing_is_left()


async def test_one_model_is_shown_or_not_found_in_every_shape(worker: Worker) -> None:
    key = await worker.mint("two", models=("fake/fake-1",))
    assert (await body_of(ask(worker, key, "fake/fake-1")))["id"] == "fake/fake-1"
    assert (await body_of(as_anthropic(ask(worker, key, "fake/fake-1"))))["type"] == "model"
    for name in ("fake/fake-1", "models/fake/fake-1"):
        assert (await body_of(as_google(ask(worker, key, name))))["name"] == "models/fake/fake-1"
    for name in ("fake/fake-2", "no/such"):
        openai = await ask(worker, key, name).answer()
        assert (openai.status, msgspec.json.decode(openai.text)["code"]) == (404, "model_not_found")
        anthropic = await as_anthropic(ask(worker, key, name)).answer()
        assert (anthropic.status, msgspec.json.decode(anthropic.text)["error"]["type"]) == (404, "not_found_error")
        assert anthropic.headers[b"request-id"] == anthropic.headers[b"x-request-id"]
        google = await as_google(ask(worker, key, name)).answer()
        assert (google.status, msgspec.json.decode(google.text)["error"]["status"]) == (404, "NOT_FOUND")


async def test_pages_and_mistakes_in_the_query(worker: Worker) -> None:
    first = await body_of(as_anthropic(ask(worker, worker.key, query=b"limit=1")))
    assert (len(first["data"]), first["has_more"]) == (1, True)
    after = b"limit=1000&after_id=" + first["last_id"].replace("/", "%2F").encode()
    rest = await body_of(as_anthropic(ask(worker, worker.key, query=after)))
    assert first["data"][0] not in rest["data"] and not rest["has_more"]
    wrong = await as_google(ask(worker, worker.key, query=b"pageSize=x")).answer()
    assert (wrong.status, msgspec.json.decode(wrong.text)["error"]["status"]) == (400, "INVALID_ARGUMENT")
    many = await ask(worker, worker.key, query=b"&".join(b"a=1" for _ in range(40))).answer()
    assert many.status == 400


async def test_a_refusal_is_told_in_the_shape_of_who_asks_and_one_by_a_limit_tells_it(worker: Worker) -> None:
    key = await worker.mint("two", Limits(requests_per_min=1, requests_burst=1))
    assert (await ask(worker, key).answer()).status == 200
    refused = await ask(worker, key).answer()
    assert (refused.status, refused.headers[b"x-ratelimit-limit-requests"]) == (429, b"1")
    assert b"retry-after" in refused.headers
    wrong = await as_anthropic(ask(worker, "sk-fgw-wrong")).answer()
    assert (wrong.status, msgspec.json.decode(wrong.text)["error"]["type"]) == (401, "authentication_error")


async def test_the_prices_are_those_that_the_caller_pays(worker_of: WorkerOf) -> None:
    worker = await worker_of('\n[prices."fake/fake-1"]\ninput = 1_000_000_000\noutput = 3_000_000_001\n')
    key = apikey.mint()
    await worker.mirror.sync([Principal("key_m", apikey.digest(key), 1, "m", Limits(), margin_ppm=1_500_000)])
    dear = (await body_of(ask(worker, key, "fake/fake-1")))["pricing"]
    assert (dear["prompt"], dear["completion"]) == ("0.0000015", "0.000004500000002")
    plain = (await body_of(ask(worker, worker.key, "fake/fake-1")))["pricing"]
    assert plain["prompt"] == "0.000001"
    listed = (await body_of(ask(worker, key)))["data"]
    assert next(one for one in listed if one["id"] == "fake/fake-1")["pricing"] == dear
