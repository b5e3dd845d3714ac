"""One attempt: what goes to the provider, and what its failures mean."""

import json

import pytest

from fastgw.dataplane.attempt import Judged, refuse_status, transport_failed
from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.errors import AttemptFailed, ErrorKind, GatewayError
from tests.dataplane.conftest import Worker
from tests.dataplane.relay.source import Body


@pytest.mark.parametrize("failure", Failure)
def test_every_failure_of_the_transport_means_something_and_names_no_host(failure: Failure) -> None:
    failed = transport_failed(TransportError(failure, "api.secret.example", sent=True))
    assert failed.error.status in {502, 503, 504}
    assert "secret" not in failed.error.message
    assert "secret" in failed.detail


async def test_a_refusal_keeps_its_status_and_loses_what_leads_to_the_provider() -> None:
    said = json.dumps({"error": {"message": "no such field at https://api.secret.example/v1", "param": "x"}}).encode()
    with pytest.raises(GatewayError) as refused:
        await refuse_status(Body([said]), 422)
    assert (refused.value.status, refused.value.param) == (422, "x")
    assert "secret" not in refused.value.message


@pytest.mark.parametrize(("value", "seconds"), [(b"7", 7), (b"0", 1), (b"99999", 300), (b"soon", 1)])
async def test_a_busy_provider_says_for_how_long_within_bounds(value: bytes, seconds: int) -> None:
    with pytest.raises(Judged) as busy:
        await refuse_status(Body([], retry_after=value), 429)
    assert (busy.value.error.kind, busy.value.cool_ms) == (ErrorKind.UPSTREAM_RATE_LIMITED, seconds * 1_000)


async def test_the_gateways_own_credential_is_never_the_callers_business() -> None:
    with pytest.raises(AttemptFailed) as failed:
        await refuse_status(Body([b'{"error":{"message":"Incorrect API key sk-secret-123456789"}}']), 401)
    assert failed.value.error.status == 502
    assert "secret" not in failed.value.error.message + failed.value.detail


async def test_the_provider_gets_the_body_spliced_and_the_credential_of_its_own(worker: Worker) -> None:
    await worker.call(stream=True, unknown={"kept": [1]}).answer()
    seen = worker.provider.requests[0]
    assert seen.json["model"] == "fake-1"
    assert (seen.json["unknown"], seen.json["stream_options"]) == ({"kept": [1]}, {"include_usage": True})
    assert seen.header("authorization") == "Bearer sk-upstream-fake"
