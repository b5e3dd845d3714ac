"""A whole answer of a provider of Responses as events, and a look at one that is relayed untouched."""

from collections.abc import Mapping

import msgspec

from fastgw.protocols.errors.foreign import read_foreign
from fastgw.protocols.hub.dialect import Reading, Unusable
from fastgw.protocols.hub.events import Event, Failed, Finish, Start, StopReason, Used
from fastgw.protocols.hub.target import Target
from fastgw.protocols.responses import searches
from fastgw.protocols.responses.assemble import Assembler
from fastgw.protocols.responses.usage import read_usage, with_searches
from fastgw.usage import Usage

_ABSENT = msgspec.Raw(b"")
_NOTHING = (b"", b"null")
_FAILED = frozenset(("failed", "cancelled"))
_ENDED = frozenset(("completed", "incomplete", ""))


class _Details(msgspec.Struct):
    reason: str | None = None


class WireResponse(msgspec.Struct):
    """What is read of a response."""

    id: str | None = None
    model: str | None = None
    status: str | None = None
    created_at: float | None = None
    output: list[msgspec.Raw] | None = None
    incomplete_details: _Details | None = None
    usage: msgspec.Raw = _ABSENT
    tool_usage: msgspec.Raw = _ABSENT
    error: msgspec.Raw = _ABSENT


_response = msgspec.json.Decoder(WireResponse)
_loose = msgspec.json.Decoder(dict[str, msgspec.Raw])


def decode_answer(body: bytes, target: Target) -> list[Event]:
    """A whole answer. Raises `Unusable`."""
    try:
        response = _response.decode(body)
    except msgspec.MsgspecError as exc:
        raise Unusable(f"no response: {exc}") from exc
    failure = failure_of(response, body)
    if failure is not None:
        return [start_of(response), failure]
    if response.output is None or (response.status or "") not in _ENDED:
        raise Unusable("a response without output, or one that has not ended")
    assembler = Assembler(target.family)
    events: list[Event] = [start_of(response)]
    try:
        for index, raw in enumerate(response.output):
            events += assembler.item_done(index, raw)
    except msgspec.MsgspecError as exc:
        raise Unusable(f"an item of the output is no object: {exc}") from exc
    made = sum(map(searches.is_search, response.output)) if searches.MARK in body else 0
    return [*events, *ending_of(response, assembler, made)]


def start_of(response: WireResponse) -> Start:
    """The announcement of an answer."""
    return Start(response.id or "", response.model or "", int(response.created_at or 0))


def failure_of(response: WireResponse, body: bytes | msgspec.Raw) -> Failed | None:
    """The failure that a response reports, None if it reports none."""
    if bytes(response.error) in _NOTHING and response.status not in _FAILED:
        return None
    if response.status == "cancelled":
        return Failed("The answer was cancelled at the provider.")
    found = read_foreign(bytes(body))
    return Failed(found.message, found.code or "") if found else Failed("The provider gave no reason.")


def ending_of(response: WireResponse, assembler: Assembler, searches_made: int) -> list[Event]:
    """Usage, and why the answer ended. `searches_made`: as the items show them."""
    usage = read_usage(response.usage) if bytes(response.usage) not in _NOTHING else None
    usage = with_searches(usage, searches.told(response.tool_usage, response.usage) or searches_made)
    reason = response.incomplete_details.reason if response.incomplete_details else None
    finish = Finish(_stop_reason(response.status or "", reason, assembler))
    return [finish] if usage is None else [Used(usage), finish]


def read_answer(body: bytes) -> Reading:
    """Look at a whole answer. Its bytes are relayed as they are; this only decides whether they are worth relaying."""
    try:
        fields = _loose.decode(body)
    except msgspec.MsgspecError:
        return Reading(valid=False)
    failed = bytes(fields.get("error", _ABSENT)) not in _NOTHING or bytes(fields.get("status", _ABSENT)) == b'"failed"'
    return Reading(valid="output" in fields and not failed, error=failed, usage=usage_of(fields))


def usage_of(fields: Mapping[str, msgspec.Raw], searches_seen: int = 0) -> Usage | None:
    """What a response, by its fields, says that it used. `searches_seen`: in items that its output may lack."""
    usage = read_usage(fields["usage"]) if "usage" in fields else None
    if usage is None:
        return None
    told = searches.told(fields.get("tool_usage", _ABSENT), fields["usage"])
    return with_searches(usage, told or max(searches_seen, searches.made(fields.get("output", _ABSENT))))


def _stop_reason(status: str, reason: str | None, assembler: Assembler) -> StopReason:
    if status == "incomplete":
        return StopReason.REFUSAL if reason == "content_filter" else StopReason.LENGTH
    if assembler.called:
        return StopReason.TOOLS
    return StopReason.REFUSAL if assembler.refused else StopReason.END
