"""One attempt: what goes to the provider, and what its failures mean."""

import json

import pytest

from fastgw.dataplane.attempt import Judged, build, refuse_status, transport_failed
from fastgw.dataplane.upstream.transport import Failure, TransportError
from fastgw.errors import AttemptFailed, ErrorKind, GatewayError
from fastgw.exchange import Candidate
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.hub.target import Target
from fastgw.settings.values import Deadlines
from tests.dataplane.conftest import Worker, WorkerOf
from tests.dataplane.relay.source import Body
from tests.dataplane.test_question import MESSAGES, ask, lanes


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


@pytest.mark.parametrize(
    ("vendor", "version", "betas"),
    [("anthropic", "2026-10-21", "a-1,b-2"), ("openai-compatible", "2023-06-01", "a-1,b-2"), ("vertex", None, None)],
)
def test_what_a_caller_says_in_headers_goes_where_it_is_understood(
    vendor: str, version: str | None, betas: str | None
) -> None:
    own = () if vendor == "vertex" else ((b"anthropic-version", b"2023-06-01"),)
    lane = Candidate(
        "p", "m", "p/m", "", "http://p", b"/", own, dialect="messages", target=Target("m", "messages", vendor=vendor)
    )
    said = FromPath(version="2026-10-21", betas=("a-1", "b-2", "b-2", "x\r\ny", "ä"))
    head = dict(build(lane, b"", Deadlines(), stream=False, said=said).headers)
    assert head.get(b"anthropic-version") == (version and version.encode())
    assert head.get(b"anthropic-beta") == (betas and betas.encode())
    odd = dict(build(lane, b"", Deadlines(), stream=False, said=FromPath(version="x")).headers)
    assert odd == dict(build(lane, b"", Deadlines(), stream=False).headers)


async def test_betas_reach_a_provider_of_the_same_dialect_and_no_other(worker_of: WorkerOf) -> None:
    worker = await lanes(worker_of, "messages", "chat")
    for model in ("messages/fake-1", "chat/fake-1"):
        body = {"model": model, "max_tokens": 9, "messages": MESSAGES}
        assert (await ask(worker, "messages", body, anthropic_beta="a-1, b-2").answer()).status == 200
    assert [seen.header("anthropic-beta") for seen in worker.provider.requests] == ["a-1,b-2", None]
