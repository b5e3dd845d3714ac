"""Health, readiness, and the answers to unknown paths and methods."""

import msgspec
import pytest

from fastgw.dataplane.edges import ByMethod, Probe, Unknown
from tests.dataplane.caller import Caller


@pytest.mark.parametrize(("ready", "status"), [(True, 200), (False, 503)])
async def test_a_probe_tells_what_it_is_told(ready: bool, status: int) -> None:
    caller = await Caller(Probe(lambda: ready), "", method="GET").answer()
    assert caller.status == status
    assert b"x-request-id" in caller.headers


async def test_an_unknown_path_is_a_404_in_json_and_head_has_no_body() -> None:
    caller = await Caller(Unknown(), "", path="/" + "x" * 1_000).answer()
    assert (caller.status, msgspec.json.decode(caller.text)["code"]) == (404, "not_found")
    assert len(caller.text) < 1_500
    head = await Caller(Unknown(), "", method="HEAD").answer()
    assert (head.status, head.text) == (404, b"")


async def test_another_method_is_a_405_that_names_the_right_ones() -> None:
    caller = await Caller(ByMethod({"GET": Unknown()}), "", method="POST").answer()
    assert (caller.status, caller.headers[b"allow"]) == (405, b"GET")
