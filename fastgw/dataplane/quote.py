"""What an exchange may cost before it runs, and what it has cost after: holds, caps and charges."""

import msgspec

from fastgw.dataplane.flight import Flight
from fastgw.dataplane.metering.bound import bound_for
from fastgw.dataplane.metering.prompt import prompt_tokens as prompt_counted
from fastgw.dataplane.metering.speed import speeds_of, tariff_at
from fastgw.dataplane.remember import held_bytes
from fastgw.dataplane.routing.catalog import Catalog
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Call, Candidate, Charge, Grant, Hold, Principal
from fastgw.money.amounts import PPM
from fastgw.money.pricing import Tariff
from fastgw.protocols.registry import CALLERS, untouched
from fastgw.protocols.responses.compact import ASK
from fastgw.protocols.responses.encode import OUTPUT_CAP_MIN
from fastgw.settings.money import MoneySettings
from fastgw.usage import Usage

OUTPUT_TOKENS_LEAST = 256
"""With a balance for fewer tokens of output than these, an answer without a cap of the caller's is not begun."""

_FREE = Charge()
_UNPRICED = Charge(unpriced=True)


class Quote(msgspec.Struct, frozen=True):
    """The worst case of one exchange, over all candidates that may serve it."""

    candidates: list[Candidate]
    hold: Hold | None = None
    """None: nothing is limited, or nothing can be charged."""
    prompt_tokens: int = 0
    output_cap: int = 0
    """Of each answer, as the hold has it."""
    tariffs: tuple[Tariff, ...] = ()

    def capped(self, call: Call, grant: Grant) -> Call:
        """The call with a cap that what was set aside pays for. The caller's own cap is written again: of two names
        for it in one body, a provider may heed the other one."""
        if self.hold is None or not grant.purses:
            return call
        cap = self.output_cap
        if grant.hold_nano < self.hold.want_nano:
            margin_ppm = grant.ask.principal.margin_ppm
            tokens = min(one.affordable(grant.hold_nano, self.prompt_tokens, margin_ppm) for one in self.tariffs)
            cap = max(1, min(cap, (tokens - _guessed(call)) // call.seen.choices))
        fields = CALLERS[call.dialect].with_cap(call.fields, cap)
        return msgspec.structs.replace(call, fields=fields)


def quoted(
    settings: MoneySettings,
    catalog: Catalog,
    principal: Principal,
    call: Call,
    candidates: list[Candidate],
    now_ms: int,
) -> Quote:
    """The hold that an exchange of a limited account or key needs, over its `candidates` (one or more). Raises
    `GatewayError` (403) for a prepaid account where no price is known."""
    if "models" in call.fields and any(one.target.vendor == "openrouter" for one in candidates):
        # Any of them may answer, at a price of its own (openrouter.ai/docs, model routing, 2026-11).
        raise GatewayError(
            ErrorKind.BAD_REQUEST,
            "'models' names models that nothing was set aside for. Ask for one model with 'model'.",
            param="models",
        )
    speeds = speeds_of(call.fields)
    priced: list[Candidate] = []
    tariffs: list[Tariff] = []
    for one in candidates:
        pricing = catalog.pricing(call.model, one)
        tariff = tariff_at(pricing, now_ms, speeds) if pricing is not None else None
        if tariff is not None:
            priced.append(one)
            tariffs.append(tariff)
    if principal.prepaid:
        if not priced:
            raise GatewayError(
                ErrorKind.MODEL_NOT_ALLOWED,
                f"The model '{call.model}' has no price, so a prepaid account cannot use it. Ask the operator for one.",
                param="model",
                code="model_not_priced",
                should_retry=False,
            )
        candidates = priced
    if not priced:
        return Quote(candidates)
    prompt_tokens = bound_for(settings, call.fields, call.body_bytes, priced)
    if not all(untouched(call.dialect, one.target) for one in priced):
        prompt_tokens += held_bytes(call.dialect, call.fields)
        if call.dialect == "compact":
            prompt_tokens += len(ASK)
    said = call.seen.output_cap
    cap = said or min(_own_cap(settings, one, call, prompt_tokens) for one in priced)
    margin_ppm, choices = principal.margin_ppm, call.seen.choices
    guessed = _guessed(call)
    raised = max(_raised_cap(settings, one, call, prompt_tokens) for one in priced)
    most_tokens = max(cap, raised) * choices + guessed
    want = max(one.bound(prompt_tokens, most_tokens, margin_ppm) for one in tariffs)
    if want == 0:
        return Quote(candidates)
    least_tokens = min(cap, OUTPUT_TOKENS_LEAST) * choices + guessed
    least = (
        want if said or raised >= cap else max(one.bound(prompt_tokens, least_tokens, margin_ppm) for one in tariffs)
    )
    return Quote(candidates, Hold(want, least), prompt_tokens, cap, tuple(tariffs))


def owed(flight: Flight, usage: Usage) -> Charge:
    """What `usage` at the flight's candidate comes to, at the prices of when it was admitted."""
    grant, call, candidate, catalog = flight.grant, flight.call, flight.candidate, flight.catalog
    if grant is None or call is None or candidate is None or catalog is None:
        return _FREE
    speeds = speeds_of(call.fields)
    pricing = catalog.pricing(call.model, candidate)
    tariff = tariff_at(pricing, flight.started_ms, speeds) if pricing is not None else None
    principal = grant.ask.principal
    if tariff is not None and pricing is candidate.pricing and principal.margin_ppm == PPM:
        charge_nano = tariff.charge(usage)
        return Charge(charge_nano, charge_nano)
    cost_nano = cost(candidate, usage, flight.started_ms, speeds)
    if tariff is None:
        return msgspec.structs.replace(_UNPRICED, cost_nano=cost_nano) if cost_nano else _UNPRICED
    return Charge(tariff.charge(usage, principal.margin_ppm), cost_nano)


def cost(candidate: Candidate, usage: Usage, now_ms: int, speeds: tuple[str, ...]) -> int:
    """What the provider takes for `usage` at a speed (`speeds_of`), 0 where nobody knows."""
    tariff = tariff_at(candidate.pricing, now_ms, speeds) if candidate.pricing is not None else None
    return tariff.charge(usage) if tariff is not None else 0


def _guessed(call: Call) -> int:
    """Output tokens beside the cap: what of a chat caller's `prediction` is of no use is billed like an answer
    (developers.openai.com, predicted outputs, 2026-11)."""
    return len(memoryview(call.fields["prediction"])) if "prediction" in call.fields else 0


def _raised_cap(settings: MoneySettings, candidate: Candidate, call: Call, prompt_tokens: int) -> int:
    """What a candidate may give whatever cap is asked for; 0 where the cap counts."""
    if candidate.dialect == call.dialect == "compact":
        # OpenAI's own compaction takes no cap.
        return _own_cap(settings, candidate, call, prompt_tokens)
    # A lane of Responses can be told none that is smaller.
    return OUTPUT_CAP_MIN if candidate.dialect == "responses" != call.dialect else 0


def _own_cap(settings: MoneySettings, candidate: Candidate, call: Call, prompt_tokens: int) -> int:
    """The cap for a caller who gave none. Many providers answer 400 where prompt and cap exceed the context."""
    cap = candidate.max_output or settings.output_cap_default
    if not candidate.context_length:
        return cap
    room = candidate.context_length - prompt_tokens
    if room < OUTPUT_TOKENS_LEAST:
        # The bound leaves none, and most prompts have far fewer tokens.
        room = max(OUTPUT_TOKENS_LEAST, candidate.context_length - prompt_counted(call.fields, call.dialect))
    return min(cap, room)
