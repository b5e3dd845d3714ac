"""The request path of chat completions, top to bottom: one stage after another, and one place that settles."""

import asyncio
import logging
from collections.abc import MutableMapping
from typing import Any

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane import attempt, reply
from fastgw.dataplane.asking import Denied, admit, authenticate
from fastgw.dataplane.book import Book
from fastgw.dataplane.flight import Flight, Phase, Receive, Stop
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES, framing, read_body
from fastgw.dataplane.metering import estimate
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.patrol import Patrol
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.routing.catalog import allowed
from fastgw.dataplane.routing.select import select
from fastgw.dataplane.stages import Stages
from fastgw.dataplane.streaming import expect_stream, relay_stream
from fastgw.dataplane.unary import relay_unary
from fastgw.dataplane.upstream.transport import TransportError
from fastgw.errors import AttemptFailed, ErrorKind, GatewayError
from fastgw.exchange import Call, Candidate, Principal, RateStatus
from fastgw.protocols.chat.request import peek

_log = logging.getLogger("fastgw.pipeline")


class Chat:
    """`POST /v1/chat/completions` as an ASGI application."""

    def __init__(self, stages: Stages, patrol: Patrol, book: Book) -> None:
        self._s = stages
        self._patrol = patrol
        self._book = book
        self._mint = Minter()
        self._turn = 0

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one exchange."""
        task = asyncio.current_task()
        assert task is not None, "an ASGI server runs each request in a task"
        now_ms = wall_ms()
        flight = Flight(self._mint.next(now_ms), monotonic_ns(), now_ms, task, receive, Downstream(send))
        self._patrol.add(flight)
        try:
            await self._serve(flight, scope)
        except GatewayError as error:
            await self._tell(flight, error)
        except asyncio.CancelledError:
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

    async def _serve(self, flight: Flight, scope: MutableMapping[str, Any]) -> None:
        if len(self._patrol.flights) > self._s.settings.bounds.exchanges_max:
            raise GatewayError(ErrorKind.OVERLOADED, "The gateway is at its limit. Try again soon.", retry_after_s=1)
        principal = await authenticate(self._s, flight, scope)
        call = await self._take_call(flight, scope)
        candidates = self._candidates(principal, call)
        admitted = await self._admit(flight, scope, principal, call)
        if admitted is not principal:
            # The key has changed since it was looked up, perhaps the models that it may use.
            principal, candidates = admitted, self._candidates(admitted, call)
        if not candidates:
            raise GatewayError(
                ErrorKind.MODEL_NOT_FOUND, f"The model '{call.model}' does not exist or is not served.", param="model"
            )
        self._book.opened(flight, principal, candidates[0])
        await self._relay(flight, call, candidates)

    async def _take_call(self, flight: Flight, scope: MutableMapping[str, Any]) -> Call:
        bounds = self._s.settings.bounds
        frame = framing(scope["headers"])
        body = await read_body(flight.receive, frame, bounds.body_bytes_max, self._s.bodies, flight.progress)
        flight.held_bytes = flight.body_bytes = len(body)
        flight.phase = Phase.WAITING
        if len(body) > OFF_LOOP_BYTES:
            seen = await asyncio.to_thread(peek, body, bounds.nesting_max)
        else:
            seen = peek(body, bounds.nesting_max)
        call = Call(
            flight.exchange_id,
            "chat",
            seen.model,
            seen.stream,
            seen.fields,
            len(body),
            seen.output_cap,
            seen.choices,
            seen.wants_usage_event,
        )
        flight.call = call
        return call

    def _candidates(self, principal: Principal, call: Call) -> list[Candidate]:
        """In the order to try; none if nobody knows the model. Raises `GatewayError` if the key may use none."""
        known = self._s.catalog.current.resolve(call.model)
        if principal.models:
            mine = tuple(one for one in known if allowed(principal.models, one.public_model, call.model))
            if not mine and (known or not allowed(principal.models, call.model, call.model)):
                raise GatewayError(
                    ErrorKind.MODEL_NOT_ALLOWED, f"This API key may not use the model '{call.model}'.", param="model"
                )
            known = mine
        if len(known) < 2:
            return list(known)
        self._turn += 1
        return list(select(known, self._s.cooling.until_ms, wall_ms(), self._turn))

    async def _admit(
        self, flight: Flight, scope: MutableMapping[str, Any], principal: Principal, call: Call
    ) -> Principal:
        bound = estimate.before_call(call.body_bytes, call.output_cap, call.choices)
        return (await admit(self._s, flight, scope, principal, bound.total)).ask.principal

    async def _relay(self, flight: Flight, call: Call, candidates: list[Candidate]) -> None:
        failed: AttemptFailed | None = None
        if call.stream:
            expect_stream(flight)
        for candidate in candidates:
            flight.attempts += 1
            flight.candidate = candidate
            lane = (candidate.provider, candidate.credential)
            try:
                await self._attempt(flight, call, candidate)
            except AttemptFailed as exc:
                failed = exc
                flight.release_response()
                cool_ms = exc.cool_ms if isinstance(exc, attempt.Judged) else 0
                self._s.cooling.failed(lane, wall_ms(), cool_ms)
                _log.warning("exchange %s: %s/%s failed: %s", flight.exchange_id, *lane, exc.detail)
            else:
                self._s.cooling.worked(lane)
                return
        assert failed is not None, "there is at least one candidate"
        error = failed.error
        if error.kind is not ErrorKind.UPSTREAM_RATE_LIMITED:
            # The gateway has already tried what there is; an SDK that retries by itself would only multiply the load.
            error.should_retry = False
        raise error

    async def _attempt(self, flight: Flight, call: Call, candidate: Candidate) -> None:
        request = attempt.build(call, candidate, self._s.settings.deadlines)
        flight.sent_upstream = True
        try:
            flight.wait_upstream()
            try:
                response = await self._s.transport.send(request)
            finally:
                flight.waited()
            flight.response = response
            if response.status != 200:
                await attempt.refuse_status(response, response.status)
            if call.stream:
                await relay_stream(flight, call, response, self._book)
            else:
                await relay_unary(flight, response, self._s.settings.bounds, self._book)
        except TransportError as exc:
            if flight.first_byte_ns:
                raise GatewayError(ErrorKind.UPSTREAM_CUT, "The provider did not finish its answer.") from exc
            raise attempt.transport_failed(exc) from exc

    async def _tell(self, flight: Flight, error: GatewayError) -> None:
        status: RateStatus | None = None
        if isinstance(error, Denied):
            status = error.rate
        self._book.failed(flight, error)
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
