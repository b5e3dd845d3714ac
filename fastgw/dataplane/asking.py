"""Auth and admission as every endpoint asks for them: who is it, and may this run now?"""

from collections.abc import MutableMapping
from typing import Any

from fastgw.dataplane.flight import Flight
from fastgw.dataplane.stages import Stages
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Ask, Denial, Grant, Principal, RateStatus, Reason
from fastgw.limits import Limits

_WHAT = {"requests": "requests", "tokens": "tokens", "concurrency": "requests at the same time"}


class Denied(GatewayError):
    """Admission said no; carries the limits for the headers."""

    def __init__(self, denial: Denial) -> None:
        wait_s = max(1, -(-denial.retry_after_ms // 1_000))
        if denial.reason is Reason.STORE_AWAY:
            away = "The gateway cannot check limits right now. Try again."
            super().__init__(ErrorKind.GATE_UNAVAILABLE, away, retry_after_s=wait_s)
        elif denial.reason is Reason.STALE_KEY:
            super().__init__(ErrorKind.INVALID_API_KEY, "This API key has just changed. Try again.")
        else:
            whose, what = denial.reason.value.split("_", 1)
            many = f"Too many {_WHAT[what]} from this {whose}. Retry in {wait_s} s."
            super().__init__(ErrorKind.RATE_LIMITED, many, retry_after_s=wait_s)
        self.rate: RateStatus = denial.status


def unknown_model(model: str) -> GatewayError:
    """The 404 for a name that leads nowhere."""
    return GatewayError(
        ErrorKind.MODEL_NOT_FOUND,
        f"The model '{model}' does not exist or is not served. GET /v1/models lists those that this key may use.",
        param="model",
    )


async def authenticate(stages: Stages, flight: Flight, scope: MutableMapping[str, Any]) -> Principal:
    """The principal behind the headers. Raises `GatewayError`."""
    headers, query = scope["headers"], scope["query_string"]
    peer = scope["client"]
    flight.address, flight.bucket = stages.addresses.client(peer[0] if peer else "", headers)
    known = stages.keys.lookup(headers, query, flight.address)
    if known is not None:
        return known
    return await stages.keys.authenticate(headers, query, flight.address, flight.bucket)


async def admit(
    stages: Stages, flight: Flight, scope: MutableMapping[str, Any], principal: Principal, tokens: int
) -> Grant:
    """Ask the gate; once more when it knows a newer version of the key. Raises `Denied`, and what auth raises."""
    for last in (False, True):
        limits = principal.limits
        # A call larger than the burst could never be admitted: it is debited the whole burst, and corrected later.
        address = stages.settings.guard.address
        debit = min(tokens, _burst(limits) or tokens, _burst(address) or tokens)
        ask = Ask(flight.exchange_id, principal, flight.bucket, address, debit)
        answer = await stages.gate.admit(ask)
        if not isinstance(answer, Denial):
            flight.grant = answer
            return answer
        if answer.reason is not Reason.STALE_KEY or last:
            raise Denied(answer)
        stages.keys.forget(principal.digest)
        principal = await authenticate(stages, flight, scope)
    raise AssertionError("the loop returns or raises")


def _burst(limits: Limits) -> int:
    return (limits.tokens_burst or limits.tokens_per_min) if limits.tokens_per_min else 0


async def admit_free(stages: Stages, flight: Flight, scope: MutableMapping[str, Any]) -> Principal:
    """Auth and request limits for a call that uses no tokens. The grant is settled at once."""
    principal = await authenticate(stages, flight, scope)
    stages.settlement.released(await admit(stages, flight, scope, principal, 0))
    return principal
