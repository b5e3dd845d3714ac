"""The request path of every chat dialect, top to bottom: one stage after another, and one place that settles."""

import asyncio
import logging
from collections.abc import Coroutine, MutableMapping
from typing import Any

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane import attempt, reply
from fastgw.dataplane.asking import Denied, admit, authenticate, changed_again, open_to, unknown_model
from fastgw.dataplane.book import Book
from fastgw.dataplane.flight import Flight, Receive, Stop
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.dataplane.ingress.said import NOTHING_SAID
from fastgw.dataplane.metering import estimate
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.patrol import Patrol
from fastgw.dataplane.question import FORGETFUL, CannotServe, spliced, translated
from fastgw.dataplane.quote import Quote, quoted
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.routing.catalog import allowed
from fastgw.dataplane.routing.select import pin, select, stick
from fastgw.dataplane.stages import Stages
from fastgw.dataplane.streaming import expect_stream, relay_stream
from fastgw.dataplane.taking import take
from fastgw.dataplane.unary import relay_translated, relay_unary
from fastgw.dataplane.upstream.transport import Response, TransportError, Unsent
from fastgw.errors import AttemptFailed, ErrorKind, Fault, GatewayError
from fastgw.exchange import Call, Candidate, Principal, RateStatus
from fastgw.protocols.hub.dialect import FromPath, Setting
from fastgw.protocols.hub.recall import Recall
from fastgw.protocols.hub.translate import Translation
from fastgw.protocols.registry import CALLERS, PROVIDERS, untouched
from fastgw.protocols.registry import tap as tap_of

_log = logging.getLogger("fastgw.pipeline")

_AGAIN = (ErrorKind.UPSTREAM_RATE_LIMITED, ErrorKind.OVERLOADED)
"""Failures of every candidate after which a caller may come back soon, and is told when."""


class Chat:
    """An endpoint that asks a model, as an ASGI application: chat completions, responses, messages and so on."""

    def __init__(self, stages: Stages, patrol: Patrol, book: Book, dialect: str = "chat") -> None:
        self._dialect = dialect
        self._s = stages
        self._patrol = patrol
        self._book = book
        self._mint = Minter()
        self._turn = 0

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, said: FromPath = NOTHING_SAID
    ) -> None:
        """Serve one exchange. `said` is what its path says, where a dialect says it there."""
        task = asyncio.current_task()
        assert task is not None, "an ASGI server runs each request in a task"
        now_ms = wall_ms()
        flight = Flight(self._mint.next(now_ms), monotonic_ns(), now_ms, task, receive, Downstream(send), self._dialect)
        self._patrol.add(flight)
        try:
            await self._serve(flight, scope, said)
        except GatewayError as error:
            await self._tell(flight, error)
        except asyncio.CancelledError as exc:
            if isinstance(exc, Unsent):
                flight.sent_upstream = False
            if flight.stop_reason is None:
                raise
            task.uncancel()
            await self._stopped(flight, flight.stop_reason)
        except Exception as exc:  # a defect of ours must neither kill the worker nor leave the caller without an answer
            _log.exception("exchange %s failed", flight.exchange_id, exc_info=exc)
            await self._tell(
                flight, GatewayError(ErrorKind.INTERNAL, "The gateway failed. Its operator can look it up.")
            )
        finally:
            self._patrol.discard(flight)
            flight.release_response()
            self._s.bodies.give_back(flight.held_bytes)
            self._book.close_if_open(flight)
            if flight.replay is not None:
                flight.replay.close()

    async def _serve(self, flight: Flight, scope: MutableMapping[str, Any], said: FromPath) -> None:
        if len(self._patrol.flights) > self._s.settings.bounds.exchanges_max:
            raise GatewayError(ErrorKind.OVERLOADED, "The gateway is at its limit. Try again soon.", retry_after_s=1)
        principal = await authenticate(self._s, flight, scope)
        call = await take(self._s, flight, scope, said, principal)
        if principal.group:
            open_to(self._s.settings, principal, call.dialect)
        if flight.replay is not None and await flight.replay.begin():
            return
        principal, call, candidates = await self._admit(flight, scope, principal, call)
        if not candidates:
            raise unknown_model(call.model)
        self._book.opened(flight, principal, candidates[0])
        await self._relay(flight, call, candidates, strict=principal.strict)

    def _candidates(self, principal: Principal, call: Call) -> list[Candidate]:
        """In the order to try; none if nobody knows the model. Raises `GatewayError` if the key may use none."""
        known = self._s.catalog.current.resolve(call.model, call.dialect)
        if principal.models:
            mine = tuple(one for one in known if allowed(principal.models, one.public_model, call.model))
            if not mine and (known or not allowed(principal.models, call.model, call.model)):
                raise GatewayError(
                    ErrorKind.MODEL_NOT_ALLOWED, f"This API key may not use the model '{call.model}'.", param="model"
                )
            known = mine
        if len(known) < 2:
            return list(known)
        if call.seen.pinned:
            return list(pin(known, principal.key_id, call.dialect))
        if call.seen.sticky:
            return list(stick(known, principal.key_id, self._s.cooling.until_ms, wall_ms()))
        self._turn += 1
        return list(select(known, self._s.cooling.until_ms, wall_ms(), self._turn))

    async def _admit(
        self, flight: Flight, scope: MutableMapping[str, Any], principal: Principal, call: Call
    ) -> tuple[Principal, Call, list[Candidate]]:
        """Ask for everything at once; once more when the key has changed since it was looked up, perhaps the models
        that it may use, or who pays. The call comes back with the cap that its hold pays for."""
        tokens = estimate.before_call(call.body_bytes, call.seen.output_cap, call.seen.choices).total
        for _ in range(2):
            candidates = self._candidates(principal, call)
            flight.catalog = self._s.catalog.current
            quote = None
            if candidates and (principal.prepaid or principal.quotas is not None):
                quote = await self._quote(flight, principal, call, candidates)
                candidates = quote.candidates
            grant = await admit(self._s, flight, principal, tokens, quote.hold if quote is not None else None)
            if grant is not None:
                if quote is not None and grant.purses:
                    call = flight.call = quote.capped(call, grant)
                return principal, call, candidates
            principal = await authenticate(self._s, flight, scope)
        raise changed_again()

    async def _quote(self, flight: Flight, principal: Principal, call: Call, candidates: list[Candidate]) -> Quote:
        """What to hold for a caller whose money is limited. Raises `GatewayError` (403) where no price is known."""
        catalog = flight.catalog or self._s.catalog.current
        asked = (self._s.settings.money, catalog, principal, call, candidates, flight.started_ms)
        return await asyncio.to_thread(quoted, *asked) if call.body_bytes > OFF_LOOP_BYTES else quoted(*asked)

    async def _relay(self, flight: Flight, call: Call, candidates: list[Candidate], *, strict: bool) -> None:
        failed: AttemptFailed | None = None
        if call.stream:
            expect_stream(flight, call.said.framing)
        for candidate in candidates:
            flight.attempts += 1
            flight.candidate = candidate
            lane = (candidate.provider, candidate.credential)
            try:
                await self._attempt(flight, call, candidate, strict=strict)
            except CannotServe as exc:
                # What another candidate met on the way says more than that this one could not be asked.
                failed = failed or exc
            except AttemptFailed as exc:
                failed = exc
                if flight.gone_ns:
                    # Nobody waits for an answer any more: another lane would only cost.
                    raise exc.error from exc
                if candidate is not candidates[-1]:
                    self._book.hopped(flight, candidate, exc.error.kind)
                flight.release_response()
                cool_ms = exc.cool_ms if isinstance(exc, attempt.Judged) else 0
                self._s.cooling.failed(lane, wall_ms(), cool_ms)
                _log.warning("exchange %s: %s/%s failed: %s", flight.exchange_id, *lane, exc.detail)
            else:
                self._s.cooling.worked(lane)
                return
        assert failed is not None, "there is at least one candidate"
        error = failed.error
        if error.kind not in _AGAIN and flight.attempts > 1:
            # The gateway has already tried what there is; an SDK that retries by itself would only multiply the load.
            error.should_retry = False
        raise error

    async def _attempt(self, flight: Flight, call: Call, candidate: Candidate, *, strict: bool) -> None:
        same = untouched(call.dialect, candidate.target)
        if same:
            flight.dropped = ()
            if call.body_bytes > OFF_LOOP_BYTES:
                body = await asyncio.to_thread(spliced, call, candidate)
            else:
                body = spliced(call, candidate)
        else:
            body = await translated(self._s, flight, call, candidate, strict=strict)
        said = call.said if same else None
        request = attempt.build(candidate, body, self._s.settings.deadlines, stream=call.stream, said=said)
        try:
            if candidate.signer:
                request = await self._s.signers[candidate.signer].sign(request)
            flight.sent_upstream = True
            flight.wait_upstream()
            try:
                response = await self._s.transport.send(request)
            finally:
                flight.waited()
            flight.response = response
            if response.status != 200:
                await attempt.refuse_status(response, response.status)
            if same:
                await self._relay_untouched(flight, call, candidate, response)
            else:
                await self._relay_translated(flight, call, candidate, response)
        except TransportError as exc:
            if flight.first_byte_ns:
                raise GatewayError(ErrorKind.UPSTREAM_CUT, "The provider did not finish its answer.") from exc
            raise attempt.transport_failed(exc) from exc

    def _relay_untouched(
        self, flight: Flight, call: Call, candidate: Candidate, response: Response
    ) -> Coroutine[Any, Any, None]:
        # Here and below: the relay itself, to be awaited, because a frame around it would cost at every event.
        if call.stream:
            tap = tap_of(candidate.dialect, hide_usage=not call.seen.wants_usage, framing=call.said.framing)
            return relay_stream(flight, response, tap, self._book)
        return relay_unary(flight, response, self._s.settings.bounds, self._book)

    def _relay_translated(
        self, flight: Flight, call: Call, candidate: Candidate, response: Response
    ) -> Coroutine[Any, Any, None]:
        assert flight.asked is not None, "a translated call has been decoded"
        setting = Setting(
            exchange_id=flight.exchange_id,
            model=call.model,
            created_s=flight.started_ms // 1_000,
            conversation=flight.asked[0],
            fields=call.fields,
            family=candidate.target.family,
            wants_usage=call.seen.wants_usage,
            prompt_tokens_estimate=estimate.prompt_typical(call.body_bytes),
            framing=call.said.framing,
            stream=call.stream,
        )
        recall = Recall(flight.exchange_id)

        def keep() -> None:
            if call.dialect in FORGETFUL and flight.grant is not None:
                self._s.remember.keep(flight.grant.ask.principal.key_id, recall, wall_ms())

        if call.stream:
            tap = Translation(
                PROVIDERS[candidate.dialect].reader(candidate.target), CALLERS[call.dialect].writer(setting), recall
            )
            return relay_stream(flight, response, tap, self._book, keep)
        return relay_translated(flight, call, setting, recall, response, self._s.settings.bounds, self._book, keep)

    async def _tell(self, flight: Flight, error: GatewayError) -> None:
        status: RateStatus | None = None
        if isinstance(error, Denied):
            status = error.rate
        if flight.first_byte_ns and not flight.settled and error.kind.fault is Fault.UPSTREAM:
            # What failed before the first byte was told as each attempt failed.
            lane = (
                (flight.candidate.provider, flight.candidate.credential) if flight.candidate is not None else ("", "")
            )
            why = error.__cause__ or error
            _log.warning("exchange %s: %s/%s broke off: %s", flight.exchange_id, *lane, why)
        self._book.failed(flight, error)
        if flight.replay is not None:
            flight.replay.fail()
        if error.kind is not ErrorKind.CLIENT_GONE:
            await reply.send_error(flight, error, status)

    async def _stopped(self, flight: Flight, reason: Stop) -> None:
        match reason:
            case Stop.LINGERED:
                return
            case Stop.CLIENT_GONE:
                self._book.failed(flight, GatewayError(ErrorKind.CLIENT_GONE, "The client closed the connection."))
                return
            case Stop.BODY_STALLED:
                error = GatewayError(ErrorKind.REQUEST_TIMEOUT, "The request body did not arrive in time.")
            case Stop.TOTAL_DEADLINE:
                error = GatewayError(ErrorKind.UPSTREAM_TIMEOUT, "The exchange took longer than this gateway allows.")
            case Stop.DRAINED:
                error = GatewayError(ErrorKind.OVERLOADED, "The gateway is restarting. Try again.", retry_after_s=1)
        if flight.settled:
            return
        if flight.down.busy:
            # The client does not read: an error frame would wait behind what it has not taken. Cutting is honest.
            self._book.failed(flight, error)
            return
        await self._tell(flight, error)
