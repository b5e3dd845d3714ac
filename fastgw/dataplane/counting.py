"""How many tokens a prompt has, answered for every model that the key may use; free, and nothing is held for it.

`POST /v1/messages/count_tokens`, `POST /v1/responses/input_tokens` and Gemini's `:countTokens`. Where the model's
provider speaks the caller's dialect and counts tokens itself it is asked, once and shortly; whatever comes of that,
there is an answer: else the gateway's own count (`metering.prompt`). `x-fastgw-counted-by` says whose it is.
"""

import asyncio
import logging
from collections.abc import Callable, MutableMapping
from typing import Any

import msgspec

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane import attempt, reply
from fastgw.dataplane.asking import Denied, admit_free, unknown_model
from fastgw.dataplane.flight import Flight, Phase, Receive, Stop
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES, framing, read_body
from fastgw.dataplane.ingress.said import NOTHING_SAID, said_in
from fastgw.dataplane.metering.prompt import prompt_tokens
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.patrol import Patrol
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.routing.catalog import allowed
from fastgw.dataplane.stages import Stages
from fastgw.dataplane.upstream.transport import TransportError
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Candidate, Principal
from fastgw.protocols import toplevel
from fastgw.protocols.hub.dialect import Fields, FromPath

_log = logging.getLogger("fastgw.counting")

PROVIDER_WAIT_MS = 3_000
"""For the provider's count, all in all: a client counts before each turn, and an estimate at once serves it better."""
ANSWER_BYTES_MAX = 64 * 1024

_encode = msgspec.json.encode


class _Counted(msgspec.Struct):
    """The number in a provider's answer of any dialect."""

    input_tokens: int | None = None
    total_tokens: int | None = msgspec.field(default=None, name="totalTokens")


_counted = msgspec.json.Decoder(_Counted)

_ANSWERS: dict[str, Callable[[int], dict[str, Any]]] = {
    "messages": lambda count: {"input_tokens": count},
    "responses": lambda count: {"object": "response.input_tokens", "input_tokens": count},
    "gemini": lambda count: {"totalTokens": count},
}
_WRAPPERS = ("generateContentRequest", "generate_content_request")


class TokenCount:
    """An endpoint that counts, as an ASGI application; `dialect` is `messages`, `responses` or `gemini`."""

    def __init__(self, stages: Stages, patrol: Patrol, dialect: str) -> None:
        self._s = stages
        self._patrol = patrol
        self._dialect = dialect
        self._mint = Minter()

    async def __call__(
        self, scope: MutableMapping[str, Any], receive: Receive, send: Send, said: FromPath = NOTHING_SAID
    ) -> None:
        """Serve one request. `said` holds the model where the path names it (Gemini)."""
        task = asyncio.current_task()
        assert task is not None, "an ASGI server runs each request in a task"
        now_ms = wall_ms()
        flight = Flight(self._mint.next(now_ms), monotonic_ns(), now_ms, task, receive, Downstream(send), self._dialect)
        self._patrol.add(flight)
        try:
            await self._serve(flight, scope, said)
        except GatewayError as error:
            await _tell(flight, error)
        except asyncio.CancelledError:
            if flight.stop_reason is None:
                raise
            task.uncancel()
            await _stopped(flight, flight.stop_reason)
        except Exception as exc:  # a defect of ours must neither kill the worker nor leave the caller without an answer
            _log.exception("count %s failed", flight.exchange_id, exc_info=exc)
            await _tell(flight, GatewayError(ErrorKind.INTERNAL, "The gateway failed. Its operator can look it up."))
        finally:
            self._patrol.discard(flight)
            flight.release_response()
            self._s.bodies.give_back(flight.held_bytes)

    async def _serve(self, flight: Flight, scope: MutableMapping[str, Any], said: FromPath) -> None:
        if len(self._patrol.flights) > self._s.settings.bounds.exchanges_max:
            raise GatewayError(ErrorKind.OVERLOADED, "The gateway is at its limit. Try again soon.", retry_after_s=1)
        principal = await admit_free(self._s, flight, scope)
        bounds = self._s.settings.bounds
        frame = framing(scope["headers"])
        body = await read_body(flight.receive, frame, bounds.body_bytes_max, self._s.bodies, flight.progress)
        flight.held_bytes = flight.body_bytes = len(body)
        flight.phase = Phase.WAITING
        large = len(body) > OFF_LOOP_BYTES
        if large:
            fields = await asyncio.to_thread(toplevel.decode, body, bounds.nesting_max)
        else:
            fields = toplevel.decode(body, bounds.nesting_max)
        candidate = self._candidate(principal, self._model(fields, said))
        if said is NOTHING_SAID:
            said = said_in(scope["headers"])
        answer = None if candidate is None else await self._ask(flight, candidate, fields, said)
        whose = b"provider"
        if answer is None:
            whose = b"estimate"
            if large:
                count = await asyncio.to_thread(prompt_tokens, fields, self._dialect)
            else:
                count = prompt_tokens(fields, self._dialect)
            answer = _encode(_ANSWERS[self._dialect](count))
        flight.settled = True
        head = [*reply.head(flight, reply.JSON_HEADERS), (b"x-fastgw-counted-by", whose)]
        await flight.down.start(200, head)
        await flight.down.finish(answer)

    def _model(self, fields: Fields, said: FromPath) -> str:
        """The model, empty where OpenAI's endpoint lets it be left out. Raises `GatewayError` (400)."""
        match self._dialect:
            case "gemini":
                if "contents" not in fields and not any(name in fields for name in _WRAPPERS):
                    toplevel.refuse("Missing required parameter: 'contents'.", "contents")
                return said.model
            case "messages":
                name = toplevel.model(fields)
                if "messages" not in fields:
                    toplevel.refuse("Missing required parameter: 'messages'.", "messages")
                return name
            case _:
                unsaid = "model" not in fields or bytes(fields["model"]) == b"null"
                return "" if unsaid else toplevel.model(fields)

    def _candidate(self, principal: Principal, model: str) -> Candidate | None:
        """The first way to the model, None if none was named. Raises `GatewayError` (403, 404)."""
        if not model:
            return None
        known = self._s.catalog.current.resolve(model, self._dialect)
        mine = [one for one in known if allowed(principal.models, one.public_model, model)]
        if not mine and (known or not allowed(principal.models, model, model)):
            raise GatewayError(
                ErrorKind.MODEL_NOT_ALLOWED, f"This API key may not use the model '{model}'.", param="model"
            )
        if not mine:
            raise unknown_model(model)
        return mine[0]

    async def _ask(self, flight: Flight, candidate: Candidate, fields: Fields, said: FromPath) -> bytes | None:
        """The provider's own answer, None if it has none to give."""
        lane = (candidate.provider, candidate.credential)
        cooling = self._s.cooling.until_ms.get(lane, 0) > wall_ms()
        if candidate.dialect != self._dialect or not candidate.count_path or cooling:
            return None
        deadlines = msgspec.structs.replace(
            self._s.settings.deadlines,
            timeout_connect_ms=PROVIDER_WAIT_MS,
            timeout_first_byte_ms=PROVIDER_WAIT_MS,
            timeout_idle_ms=PROVIDER_WAIT_MS,
        )
        request = attempt.build(candidate, _addressed(fields, candidate), deadlines, stream=False, said=said)
        request = msgspec.structs.replace(request, target=candidate.count_path, resend=False)
        try:
            async with asyncio.timeout(PROVIDER_WAIT_MS / 1_000):
                if candidate.signer:
                    request = await self._s.signers[candidate.signer].sign(request)
                flight.wait_upstream()
                try:
                    flight.response = response = await self._s.transport.send(request)
                    body = await response.read_all(ANSWER_BYTES_MAX)
                finally:
                    flight.waited()
        except (TransportError, TimeoutError) as exc:
            _log.info("count %s: %s/%s did not count: %s", flight.exchange_id, *lane, exc)
            return None
        finally:
            flight.release_response()
        if response.status != 200 or body is None or not _is_count(body, self._dialect):
            _log.info("count %s: %s/%s did not count: status %d", flight.exchange_id, *lane, response.status)
            return None
        return body


def _addressed(fields: Fields, candidate: Candidate) -> bytes:
    """The caller's body with the provider's own name of the model. Gemini's path names it, and perhaps its request."""
    name = candidate.target.model
    if candidate.dialect != "gemini":
        return _encode({**fields, "model": name})
    for wrapper in _WRAPPERS:
        if wrapper in fields:
            inner = toplevel.field(_object, fields, wrapper)
            return _encode({**fields, wrapper: {**inner, "model": f"models/{name}"}})
    return _encode(fields)


_object = msgspec.json.Decoder(Fields)


def _is_count(body: bytes, dialect: str) -> bool:
    try:
        seen = _counted.decode(body)
    except msgspec.MsgspecError:
        return False
    return (seen.total_tokens if dialect == "gemini" else seen.input_tokens) is not None


async def _tell(flight: Flight, error: GatewayError) -> None:
    flight.settled = True
    if error.kind is not ErrorKind.CLIENT_GONE:
        await reply.send_error(flight, error, error.rate if isinstance(error, Denied) else None)


async def _stopped(flight: Flight, reason: Stop) -> None:
    match reason:
        case Stop.CLIENT_GONE | Stop.LINGERED:
            return
        case Stop.BODY_STALLED:
            error = GatewayError(ErrorKind.REQUEST_TIMEOUT, "The request body did not arrive in time.")
        case Stop.TOTAL_DEADLINE:
            error = GatewayError(ErrorKind.UPSTREAM_TIMEOUT, "The exchange took longer than this gateway allows.")
        case Stop.DRAINED:
            error = GatewayError(ErrorKind.OVERLOADED, "The gateway is restarting. Try again.", retry_after_s=1)
    if not flight.settled:
        await _tell(flight, error)
