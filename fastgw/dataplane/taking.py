"""From the bytes of a request to the call in it: read, decoded, recognised, peeked at."""

import asyncio
from collections.abc import MutableMapping
from typing import Any

from fastgw.dataplane.flight import Flight, Phase
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES, framing, read_body
from fastgw.dataplane.ingress.said import NOTHING_SAID, cost_wish, said_in
from fastgw.dataplane.metering.prompt import prompt_tokens
from fastgw.dataplane.stages import Stages
from fastgw.exchange import Call, Principal
from fastgw.protocols import toplevel
from fastgw.protocols.detect import detect
from fastgw.protocols.gemini.peek import WRAPPERS, unwrapped
from fastgw.protocols.hub.dialect import FromPath
from fastgw.protocols.registry import CALLERS


async def take(
    stages: Stages, flight: Flight, scope: MutableMapping[str, Any], said: FromPath, principal: Principal
) -> Call:
    """The call in a request's body. `said` is what its path says, where a dialect says it there; the flight has the
    dialect of the endpoint, and then that of the body. Raises `GatewayError`."""
    bounds = stages.settings.bounds
    headers = scope["headers"]
    frame = framing(headers)
    body = await read_body(flight.receive, frame, bounds.body_bytes_max, stages.bodies, flight.progress)
    flight.held_bytes = flight.body_bytes = len(body)
    flight.phase = Phase.WAITING
    if len(body) > OFF_LOOP_BYTES:
        fields = await asyncio.to_thread(toplevel.decode, body, bounds.nesting_max)
    else:
        fields = toplevel.decode(body, bounds.nesting_max)
    if said is NOTHING_SAID:
        said = said_in(headers)
        dialect = detect(flight.dialect, fields, said.version)
        if dialect != flight.dialect:
            flight.dialect, flight.detected = dialect, True
            if dialect == "gemini":
                # What its own paths say, the body has to say here; a provider of Gemini would refuse it there.
                streams = "stream" in fields and bool(toplevel.field(toplevel.flag, fields, "stream"))
                said = FromPath(model=toplevel.model(fields), stream=streams)
                fields = {name: raw for name, raw in fields.items() if name not in {"model", "stream"}}
    if flight.dialect == "gemini" and any(name in fields for name in WRAPPERS):
        # From here on the request inside is looked at, priced, capped and sent: nothing of it may be overlooked.
        fields = unwrapped(fields)
    toplevel.refuse_lookalikes(fields)
    caller = CALLERS[flight.dialect]
    if len(body) > OFF_LOOP_BYTES:
        seen = await asyncio.to_thread(caller.peek, fields, said)
        # In case that nobody reports it: at the end of an exchange nothing may wait for a thread.
        flight.prompt_tokens = await asyncio.to_thread(prompt_tokens, fields, flight.dialect)
    else:
        seen = caller.peek(fields, said)
    if seen.stream and said.framing == "sse":
        flight.tell_cost = cost_wish(headers)
    call = flight.call = Call(flight.exchange_id, flight.dialect, seen, said, fields, len(body))
    if frame.idempotent:
        flight.replay = stages.replay.run(principal, scope, body, flight.down)
    return call
