"""Mounts, models, health, and the answers to what is not there: each with its envelope and its two headers."""

from collections.abc import Iterator

import httpx
import pytest

from tests.path.conftest import Ground
from tests.path.evidence import CHAT, STREAM, assert_error, assert_marked


@pytest.fixture
def client(path: Ground) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=path.gateway.url, headers=path.gateway.headers(), timeout=30) as made:
        yield made


@pytest.mark.parametrize("base", ["/v1", "/api/v1", ""])
def test_every_mount(client: httpx.Client, base: str) -> None:
    for body in (CHAT, STREAM):
        answer = client.post(f"{base}/chat/completions", json=body)
        assert answer.status_code == 200
        assert_marked(answer)
    listed = client.get(f"{base}/models")
    assert_marked(listed)
    assert listed.json()["object"] == "list"
    assert {"fake/fake-1", "fake/fake-2"} <= {one["id"] for one in listed.json()["data"]}
    for name in ("fake/fake-1", "fake-1", "fake%2Ffake-1"):
        one = client.get(f"{base}/models/{name}")
        assert one.status_code == 200, one.text
        assert one.json()["object"] == "model"
        assert_marked(one)
    assert_error(client.get(f"{base}/models/none"), 404, "model_not_found")


@pytest.mark.parametrize("model", ["none", "fake/none", "none/fake-1"])
def test_an_unknown_model(client: httpx.Client, model: str) -> None:
    for body in (CHAT, STREAM):
        inner = assert_error(client.post("/v1/chat/completions", json=body | {"model": model}), 404, "model_not_found")
        assert inner["param"] == "model"


def test_a_bare_name(client: httpx.Client, path: Ground) -> None:
    assert client.post("/v1/chat/completions", json=CHAT | {"model": "fake-2"}).status_code == 200
    assert path.provider.requests[-1].json["model"] == "fake-2"


@pytest.mark.parametrize("target", ["/v2", "/v1/nothing", "/v1/chat/completions/", "/%00", "/api/v1", "//"])
def test_unknown_paths(client: httpx.Client, target: str) -> None:
    for method in ("GET", "POST", "DELETE"):
        assert_error(client.request(method, f"{client.base_url}{target}".replace("//%", "/%")), 404, "not_found")


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("GET", "/v1/chat/completions", "POST"),
        ("DELETE", "/v1/chat/completions", "POST"),
        ("POST", "/v1/models", "GET"),
        ("PUT", "/api/v1/models/fake-1", "GET"),
        ("POST", "/healthz", "GET"),
    ],
)
def test_wrong_methods(client: httpx.Client, method: str, target: str, allow: str) -> None:
    answer = client.request(method, target)
    assert_error(answer, 405, "method_not_allowed")
    assert allow in answer.headers["allow"].replace(" ", "").split(",")


@pytest.mark.parametrize("target", ["/healthz", "/readyz"])
def test_health_needs_no_key(path: Ground, target: str) -> None:
    answer = httpx.get(path.gateway.url + target)
    assert answer.status_code == 200
    assert_marked(answer)


def test_ids_are_never_given_twice(client: httpx.Client) -> None:
    ids = [client.post("/v1/chat/completions", json=CHAT).headers["x-request-id"] for _ in range(20)]
    ids += [client.get("/nothing").headers["x-request-id"] for _ in range(20)]
    assert len(set(ids)) == 40
