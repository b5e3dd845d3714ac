"""Prices over the admin API: what the configuration says stays, what makes no sense is refused."""

from typing import Any

import pytest

from fastgw.controlplane import prices as prices_module
from tests.controlplane.plane import Plane


async def test_prices_are_set_shown_and_taken_back(both: Plane) -> None:
    path = "/api/admin/prices/fake/fake-2"
    price = {"input": 7, "cache_read": 0, "changes": [{"from": "2027-01-01", "input": 9}]}
    put = await both.told("PUT", path, price)
    assert put == {"model": "fake/fake-2", "source": "admin", "price": price}
    assert await both.told("GET", path) == put
    await both.told("PUT", "/api/admin/prices/fast", {"output": 1})
    assert both.clerk.services.prices.version() == 2
    listed = await both.told("GET", "/api/admin/prices")
    assert [(one["model"], one["source"]) for one in listed["data"]] == [
        ("fake/fake-1", "configuration"),
        ("fake/fake-2", "admin"),
        ("fast", "admin"),
    ]
    assert (await both.told("DELETE", path))["deleted"] is True
    assert await both.no("DELETE", path) == (404, "price_not_found")
    assert await both.no("GET", path) == (404, "price_not_found")


async def test_what_the_configuration_prices_is_read_only(plane: Plane) -> None:
    path = "/api/admin/prices/fake/fake-1"
    assert (await plane.told("GET", path))["source"] == "configuration"
    assert await plane.no("PUT", path, {"input": 1}) == (409, "price_in_configuration")
    assert await plane.no("DELETE", path) == (409, "price_in_configuration")


NONSENSE: list[tuple[str, Any, tuple[int, str]]] = [
    ("fake/x", {"inptu": 1}, (400, "invalid_price")),
    ("fake/x", {"input": -1}, (400, "invalid_price")),
    ("fake/x", {"input": 2**60}, (400, "invalid_price")),
    ("fake/x", {"input": 1.5}, (400, "invalid_price")),
    ("fake/x", {"changes": [{"input": 1}]}, (400, "invalid_price")),
    ("fake/x", {"tiers": [{"above": 5}, {"above": 5}]}, (400, "invalid_price")),
    ("fake/x", {"image": {"default": "dear"}}, (400, "invalid_price")),
    ("fake/x", {"from": "2027-13-01"}, (400, "invalid_price")),
    ("fake/x", [], (400, "invalid_request")),
    ("nobody/x", {"input": 1}, (404, "model_not_found")),
    ("fake/", {"input": 1}, (404, "model_not_found")),
    ("fake/" + "x" * 300, {"input": 1}, (400, "invalid_request")),
]


async def test_prices_that_make_no_sense(plane: Plane) -> None:
    for model, body, answer in NONSENSE:
        assert await plane.no("PUT", f"/api/admin/prices/{model}", body) == answer, (model, body)
    assert len((await plane.told("GET", "/api/admin/prices"))["data"]) == 1
    wrong = await plane.ask("PUT", "/api/admin/prices/fake/x", {"inptu": 1, "output": -2})
    assert b"inptu" in wrong.text and b"input" in wrong.text and b"output" in wrong.text


async def test_their_number_is_bounded(plane: Plane, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prices_module, "PRICES_MAX", 2)
    for model, status in (("a", 200), ("b", 200), ("c", 409), ("a", 200)):
        assert (await plane.ask("PUT", f"/api/admin/prices/fake/{model}", {})).status == status
