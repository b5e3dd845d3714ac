"""Bookkeeping of exchanges in flight: when a record is due, and what it says. Each exchange is closed exactly once."""

import logging

import msgspec

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane.flight import Flight
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.dataplane.metering import estimate
from fastgw.dataplane.metering.prompt import prompt_tokens
from fastgw.dataplane.metering.speed import speeds_of
from fastgw.dataplane.quote import cost, owed
from fastgw.dataplane.settlement.settle import Settlement
from fastgw.errors import ErrorKind, Fault, GatewayError
from fastgw.exchange import Candidate, Charge, Principal
from fastgw.money.amounts import AMOUNT_MAX
from fastgw.records import Checkpoint, Closed, Hopped, Opened, Outcome
from fastgw.usage import NOTHING, Usage

_log = logging.getLogger("fastgw.book")

TOKENS_MAX = 2**26
"""That one exchange may have used: 128 answers of half a million tokens. What reports more is out of its mind; at the
dearest prices it would be more than the books and the gate can count, and the account could pay nothing any more."""

_OUTCOMES: dict[ErrorKind, Outcome] = {
    ErrorKind.CLIENT_GONE: Outcome.CLIENT_GONE,
    ErrorKind.UPSTREAM_TIMEOUT: Outcome.TIMEOUT,
    ErrorKind.UPSTREAM_REFUSED: Outcome.REFUSED,
    ErrorKind.OVERLOADED: Outcome.DRAINED,
    ErrorKind.INTERNAL: Outcome.INTERNAL,
}

_WORKED = (ErrorKind.UPSTREAM_BAD_RESPONSE, ErrorKind.UPSTREAM_TIMEOUT)
"""Failures after which a provider may bill the prompt all the same."""

_MS = 1_000_000


class Book:
    """Writes what happened, when it happened."""

    __slots__ = ("_settlement",)

    def __init__(self, settlement: Settlement) -> None:
        self._settlement = settlement

    def opened(self, flight: Flight, principal: Principal, candidate: Candidate) -> None:
        """Before anything leaves for a provider."""
        call, grant = flight.call, flight.grant
        assert call is not None, "a call is taken before it is opened"
        assert grant is not None, "an exchange is admitted before it is opened"
        flight.candidate = candidate
        self._settlement.opened(
            Opened(
                flight.exchange_id,
                principal.key_id,
                candidate.public_model,
                candidate.provider,
                candidate.model,
                call.surface,
                call.stream,
                flight.started_ms,
                estimate.prompt_typical(flight.body_bytes),
                principal.account_id,
                grant.purses,
                grant.hold_nano,
                principal.group,
            )
        )
        flight.opened = True

    def hopped(self, flight: Flight, candidate: Candidate, error: ErrorKind) -> None:
        """A candidate failed, and the next one is tried."""
        spent = 0
        if error in _WORKED and flight.call is not None:
            used = Usage(in_text=_prompt(flight))
            spent = cost(candidate, used, flight.started_ms, speeds_of(flight.call.fields))
        self._settlement.hopped(
            Hopped(flight.exchange_id, flight.attempts, candidate.provider, candidate.model, error, wall_ms(), spent)
        )

    def checkpoint(self, flight: Flight) -> None:
        """What has been delivered so far, in case this worker dies."""
        flight.checkpoint_bytes = flight.delivered_bytes
        flight.checkpoint_ns = monotonic_ns()
        usage, estimated = _usage(flight)
        charge = _charge(flight, usage, estimated)
        self._settlement.checkpoint(
            Checkpoint(
                flight.exchange_id,
                flight.delivered_bytes,
                _ms_between(flight.started_ns, flight.first_byte_ns),
                usage.output_tokens,
                charge.charge_nano,
                charge.cost_nano,
                usage.input_tokens,
            )
        )

    def answered(self, flight: Flight) -> None:
        """The whole answer is here and about to leave."""
        if flight.gone_ns:
            gone = ErrorKind.CLIENT_GONE
            self._close(flight, gone.status, Outcome.CLIENT_GONE, gone, whole=True)
        else:
            self._close(flight, 200, Outcome.OK, None, whole=True)

    def failed(self, flight: Flight, error: GatewayError) -> None:
        """The exchange ends in `error`. Does nothing if it is closed already."""
        if flight.settled:
            return
        outcome = _OUTCOMES.get(error.kind) or (
            Outcome.REFUSED if error.kind.fault is Fault.CLIENT else Outcome.UPSTREAM_ERROR
        )
        if flight.first_byte_ns and error.kind.fault.value == "upstream":
            outcome = Outcome.TIMEOUT if outcome is Outcome.TIMEOUT else Outcome.CUT
        gone = error.kind is ErrorKind.CLIENT_GONE
        self._close(flight, 200 if flight.down.started and not gone else error.status, outcome, error.kind)

    def close_if_open(self, flight: Flight) -> None:
        """The last resort of the path: whatever happened, nothing stays open and nothing stays lent."""
        if not flight.settled:
            self.failed(flight, GatewayError(ErrorKind.INTERNAL, "The exchange ended without an answer."))

    def _close(
        self, flight: Flight, status: int, outcome: Outcome, error: ErrorKind | None, *, whole: bool = False
    ) -> None:
        if flight.settled or flight.grant is None:
            return
        flight.settled = True
        grant, call, candidate = flight.grant, flight.call, flight.candidate
        if not flight.opened or call is None or candidate is None:
            self._settlement.released(grant)
            return
        try:
            usage, estimated = _usage(flight, whole=whole, gone=outcome is Outcome.CLIENT_GONE)
            charge = flight.charge = _charge(flight, usage, estimated)
        # What a caller or a provider wrote is counted here: a defect in that must not keep the hold for ever.
        except Exception as exc:
            _log.exception("exchange %s cannot be counted, and is not charged", flight.exchange_id, exc_info=exc)
            usage, estimated, charge = NOTHING, True, Charge()
        if estimated and (said := _said(flight)) is not None and said.total_tokens > TOKENS_MAX:
            _log.error(
                "exchange %s: %s reports %d tokens, which cannot be: charged is what was counted here",
                flight.exchange_id,
                candidate.provider,
                said.total_tokens,
            )
        principal = grant.ask.principal
        self._settlement.closed(
            Closed(
                flight.exchange_id,
                principal.key_id,
                candidate.public_model,
                candidate.provider,
                candidate.model,
                call.surface,
                call.stream,
                status,
                outcome,
                error,
                usage,
                estimated,
                flight.started_ms,
                _ms_between(flight.started_ns, flight.first_byte_ns),
                _ms_between(flight.started_ns, monotonic_ns()),
                _gateway_us(flight),
                flight.attempts,
                flight.delivered_bytes,
                principal.account_id,
                grant.purses,
                grant.hold_nano,
                charge.charge_nano,
                charge.cost_nano,
                charge.unpriced,
                principal.group,
            ),
            grant,
        )


def _usage(flight: Flight, *, whole: bool = False, gone: bool = False) -> tuple[Usage, bool]:
    """What was used, and whether that is the gateway's own count: a failure before any answer used nothing.

    `whole`: the answer came to its end. `gone`: its caller did not wait for it.
    """
    tap = flight.tap
    reported = _reported(flight)
    if reported is not None:
        # Some servers report no output beside an answer that has some.
        if reported.output_tokens and (whole or tap is None):
            return reported, False
        # Anthropic reports one token at the start and the rest at the end, which a cut stream never comes to.
        counted = _counted(flight)
        if counted <= 2 * reported.output_tokens:
            return reported, False
        missing = counted - reported.output_tokens
        return msgspec.structs.replace(reported, out_text=reported.out_text + missing), True
    if flight.first_byte_ns or (gone and flight.sent_upstream):
        seen = tap.searches if tap is not None else 0
        return Usage(in_text=_prompt(flight), out_text=_counted(flight), searches=seen), True
    return NOTHING, False


def _said(flight: Flight) -> Usage | None:
    """What the provider says of the usage, whatever that is."""
    return flight.usage or (flight.tap.usage if flight.tap is not None else None)


def _reported(flight: Flight) -> Usage | None:
    """The same; nothing where it cannot be."""
    said = _said(flight)
    return said if said is None or said.total_tokens <= TOKENS_MAX else None


def _counted(flight: Flight) -> int:
    """The gateway's own count of the output, never more than the model may have given."""
    tap, call, candidate = flight.tap, flight.call, flight.candidate
    counted = tap.output_tokens_estimate() if tap is not None else flight.output_tokens_counted
    if call is None or candidate is None:
        return counted
    most = (call.seen.output_cap or candidate.max_output) * call.seen.choices
    return min(counted, most) if most else counted


def _charge(flight: Flight, usage: Usage, estimated: bool) -> Charge:
    """What `usage` costs, within what the books can hold. Where nobody but the gateway counted, it is never more than
    was held: an overage is not owed for a guess."""
    charge, grant = owed(flight, usage), flight.grant
    most_nano = AMOUNT_MAX
    if estimated and grant is not None and grant.purses and _reported(flight) is None:
        most_nano = grant.hold_nano
    if charge.charge_nano <= most_nano and charge.cost_nano <= AMOUNT_MAX:
        return charge
    return msgspec.structs.replace(
        charge, charge_nano=min(charge.charge_nano, most_nano), cost_nano=min(charge.cost_nano, AMOUNT_MAX)
    )


def _prompt(flight: Flight) -> int:
    """The gateway's own count of the prompt. `taking` counts what takes long to read before the exchange begins; should
    it not have come to that, such a prompt counts by its size."""
    if not flight.prompt_tokens:
        call = flight.call
        if call is None or call.body_bytes > OFF_LOOP_BYTES:
            flight.prompt_tokens = estimate.prompt_typical(flight.body_bytes)
        else:
            flight.prompt_tokens = prompt_tokens(call.fields, call.dialect)
    return flight.prompt_tokens


def _gateway_us(flight: Flight) -> int:
    end_ns = flight.first_byte_ns or monotonic_ns()
    return max(0, end_ns - flight.started_ns - flight.upstream_ns_at(end_ns)) // 1_000


def _ms_between(start_ns: int, end_ns: int) -> int:
    return max(0, end_ns - start_ns) // _MS if end_ns else 0
