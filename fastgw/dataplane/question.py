"""The body for one candidate: the caller's own spliced where both speak the same dialect, a translation otherwise."""

import asyncio

import msgspec

from fastgw.dataplane.flight import Flight
from fastgw.dataplane.ingress.body import OFF_LOOP_BYTES
from fastgw.dataplane.remember import held_bytes
from fastgw.dataplane.stages import Stages
from fastgw.errors import AttemptFailed, ErrorKind, GatewayError
from fastgw.exchange import Call, Candidate
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.media import wanted, with_fetched
from fastgw.protocols.hub.recall import BROUGHT_BYTES_MAX
from fastgw.protocols.registry import CALLERS, PROVIDERS

FORGETFUL = frozenset(("chat", "gemini"))
"""Dialects whose clients do not send sealed reasoning back: chat has no field of its own for it, and Gemini CLI takes
thoughts out of its history (0.61, 2026-11)."""


class CannotServe(AttemptFailed):
    """The candidate cannot be told what the caller asks for; another one may, and this one is as good as before."""


def spliced(call: Call, candidate: Candidate) -> bytes:
    """For a candidate of the caller's own dialect."""
    return CALLERS[call.dialect].splice(call.fields, call.seen, candidate.target)


async def translated(stages: Stages, flight: Flight, call: Call, candidate: Candidate, *, strict: bool) -> bytes:
    """For a candidate of another dialect. What could not be carried over is noted in the flight.

    Raises `GatewayError` for a question that is wrong in the caller's own dialect, `CannotServe` for one that this
    candidate cannot be asked; with `strict`, for anything that would be left out.
    """
    conversation, unknown = flight.asked or await _ask(stages, flight, call)
    try:
        if call.body_bytes > OFF_LOOP_BYTES:
            urls = await asyncio.to_thread(wanted, conversation, candidate.target.abilities)
        else:
            urls = wanted(conversation, candidate.target.abilities)
        if urls:
            # Kept for the next candidate, which need not fetch them again.
            found = await stages.fetcher.fetch_all(urls)
            size_bytes = sum(len(source.data) for source in found.values())
            stages.bodies.take(size_bytes)
            flight.held_bytes += size_bytes
            conversation = with_fetched(conversation, found)
            flight.asked = (conversation, unknown)
        # With what was fetched, a small question may have become a large one.
        if flight.held_bytes > OFF_LOOP_BYTES:
            body, dropped = await asyncio.to_thread(_encode, conversation, candidate)
        else:
            body, dropped = _encode(conversation, candidate)
    except msgspec.MsgspecError as exc:
        raise CannotServe(_untold(exc), f"cannot be asked in {candidate.dialect}: {exc}") from exc
    except GatewayError as error:
        raise CannotServe(error, f"cannot be asked in {candidate.dialect}: {error.message}") from error
    flight.dropped = tuple(dict.fromkeys(unknown + dropped))
    if strict and flight.dropped:
        raise CannotServe(_too_strict(flight.dropped), f"strict key, and {len(flight.dropped)} losses")
    return body


async def _ask(stages: Stages, flight: Flight, call: Call) -> tuple[Conversation, tuple[str, ...]]:
    """The question in the hub's terms, kept in the flight for further candidates."""
    losses = Losses()
    decode = CALLERS[call.dialect].decode_request
    try:
        if call.body_bytes > OFF_LOOP_BYTES:
            conversation = await asyncio.to_thread(decode, call.fields, call.said, losses)
        else:
            conversation = decode(call.fields, call.said, losses)
    except msgspec.MsgspecError as exc:
        raise _untold(exc) from exc
    grant = flight.grant
    if call.dialect in FORGETFUL and grant is not None:
        bytes_max = held_bytes(call.dialect, call.fields) if grant.purses else BROUGHT_BYTES_MAX
        conversation = await stages.remember.bring_back(grant.ask.principal.key_id, conversation, bytes_max)
    flight.asked = (conversation, losses.paths)
    return flight.asked


def _encode(conversation: Conversation, candidate: Candidate) -> tuple[bytes, tuple[str, ...]]:
    losses = Losses()
    body = PROVIDERS[candidate.dialect].encode_request(conversation, candidate.target, losses)
    return body, losses.paths


def _untold(exc: msgspec.MsgspecError) -> GatewayError:
    """JSON text of the caller, like a schema, that is valid and still cannot be read: a number beyond any type."""
    what = str(exc).partition(" - at ")[0]
    return GatewayError(ErrorKind.BAD_REQUEST, f"The body has a value that no other dialect can be told: {what}.")


def _too_strict(dropped: tuple[str, ...]) -> GatewayError:
    named = ", ".join(f"'{path}'" for path in dropped[:8])
    return GatewayError(
        ErrorKind.BAD_REQUEST,
        f"This key is strict, and this model's provider cannot be told: {named}. Leave it out, choose another model, "
        "or use a key that is not strict.",
        param=dropped[0],
    )
