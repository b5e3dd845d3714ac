"""Auth and admission as every endpoint asks for them: who is it, and may this run now?"""

from collections.abc import MutableMapping
from typing import Any

from fastgw.dataplane.flight import Flight
from fastgw.dataplane.stages import Stages
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Ask, Denial, Grant, Hold, Principal, RateStatus, Reason
from fastgw.limits import Limits
from fastgw.money.amounts import usd
from fastgw.settings import Settings

_QUOTAS = {
    Reason.QUOTA_TOTAL: "quota",
    Reason.QUOTA_5H: "quota for 5 hours",
    Reason.QUOTA_1D: "quota for a day",
    Reason.QUOTA_7D: "quota for 7 days",
    Reason.QUOTA_MONTH: "quota for this month",
}
_WHAT = {"requests": "requests", "tokens": "tokens", "concurrency": "requests at the same time"}


class Denied(GatewayError):
    """Admission said no; carries the limits for the headers."""

    def __init__(self, denial: Denial, insufficient_status: int = 402, least_nano: int = 0) -> None:
        wait_s = max(1, -(-denial.retry_after_ms // 1_000))
        reason = denial.reason
        self.rate: RateStatus = denial.status
        if reason in (Reason.STORE_AWAY, Reason.REBUILDING):
            what = "limits" if reason is Reason.STORE_AWAY else "the balance"
            away = f"The gateway cannot check {what} right now. Try again."
            super().__init__(ErrorKind.GATE_UNAVAILABLE, away, retry_after_s=wait_s)
        elif reason is Reason.STALE_KEY:
            super().__init__(ErrorKind.INVALID_API_KEY, "This API key has just changed. Try again.")
        elif reason is Reason.BALANCE or reason in _QUOTAS:
            whose = "The account's balance" if reason is Reason.BALANCE else f"This API key's {_QUOTAS[reason]}"
            super().__init__(
                ErrorKind.INSUFFICIENT_QUOTA,
                f"{whose} is too low: {usd(denial.left_nano)} USD are left beside what running requests hold, and this"
                f" one may cost up to {usd(least_nano)} USD. Wait for them, ask for less output, or top up.",
                code="insufficient_quota",
                status=insufficient_status,
                should_retry=False,
            )
        else:
            whose, limit = reason.value.split("_", 1)
            many = f"Too many {_WHAT[limit]} from this {whose}. Retry in {wait_s} s."
            super().__init__(ErrorKind.RATE_LIMITED, many, retry_after_s=wait_s)


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
    stages: Stages, flight: Flight, principal: Principal, tokens: int, hold: Hold | None = None
) -> Grant | None:
    """Ask the gate. None: it knows a newer version of the key, which has to be read again. Raises `Denied`."""
    limits = principal.limits
    # A call larger than the burst could never be admitted: it is debited the whole burst, and corrected later.
    address = stages.settings.guard.address
    debit = min(tokens, _burst(limits) or tokens, _burst(address) or tokens)
    answer = await stages.gate.admit(Ask(flight.exchange_id, principal, flight.bucket, address, debit, 1, hold))
    if not isinstance(answer, Denial):
        flight.grant = answer
        return answer
    if answer.reason is not Reason.STALE_KEY:
        raise Denied(answer, stages.settings.insufficient_status, hold.least_nano if hold is not None else 0)
    stages.keys.forget(principal.digest)
    return None


def open_to(settings: Settings, principal: Principal, dialect: str) -> None:
    """Refuse (404) a dialect that the key's group is not open to; a group without a list is open to all."""
    group = settings.groups.get(principal.group)
    if group is None or not group.endpoints or ("responses" if dialect == "compact" else dialect) in group.endpoints:
        return
    raise GatewayError(
        ErrorKind.NOT_FOUND,
        f"This API key's group cannot be asked here. It takes: {', '.join(group.endpoints)}.",
        code="endpoint_not_allowed",
        should_retry=False,
    )


def changed_again() -> GatewayError:
    """The key has changed twice while one request was admitted."""
    return GatewayError(ErrorKind.INVALID_API_KEY, "This API key has just changed. Try again.")


def _burst(limits: Limits) -> int:
    return (limits.tokens_burst or limits.tokens_per_min) if limits.tokens_per_min else 0


async def admit_free(stages: Stages, flight: Flight, scope: MutableMapping[str, Any]) -> Principal:
    """Auth and request limits for a call that uses no tokens. The grant is settled at once."""
    for _ in range(2):
        principal = await authenticate(stages, flight, scope)
        grant = await admit(stages, flight, principal, 0)
        if grant is not None:
            stages.settlement.released(grant)
            return principal
    raise changed_again()
