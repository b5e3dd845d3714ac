"""A whole answer: written for a caller, and looked at where it is relayed untouched."""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.protocols.gemini import grounding, logprobs, searches
from fastgw.protocols.gemini.parts_out import Block, part_of
from fastgw.protocols.gemini.stops import word_of
from fastgw.protocols.gemini.usage import UNREADABLE, read_usage, to_wire, with_searches
from fastgw.protocols.hub.dialect import Reading, Setting
from fastgw.protocols.hub.events import BlockStart, Event, Kind
from fastgw.protocols.hub.gather import Answer, gather
from fastgw.protocols.hub.gather import Block as Gathered
from fastgw.usage import Usage

_encode = msgspec.json.Encoder().encode
_loose = msgspec.json.Decoder(dict[str, msgspec.Raw])
_NOTHING = (b"", b"null")


def encode_answer(events: Iterable[Event], setting: Setting) -> bytes:
    """A whole answer from well-formed events, none of them `Failed`."""
    answer = gather(events)
    numbers: dict[int, int] = {}
    for block in answer.blocks:
        if block.kind in (Kind.TOOL_CALL, Kind.CUSTOM_CALL):
            numbers[block.at] = len(numbers) + 1
    body: dict[str, Any] = {"candidates": [_candidate(answer, choice, numbers, setting) for choice in answer.choices]}
    if answer.usage is not None:
        body["usageMetadata"] = to_wire(answer.usage)
    return _encode(body | {"modelVersion": setting.model, "responseId": setting.exchange_id})


def _candidate(answer: Answer, choice: int, numbers: dict[int, int], setting: Setting) -> dict[str, Any]:
    parts: list[dict[str, Any]] = []
    cited = []
    probabilities: dict[str, list[Any]] = {}
    for gathered in answer.of(choice):
        if (part := part_of(_block(gathered, numbers, setting))) is not None:
            parts.append(part)
        if gathered.citations:
            cited.append((gathered.text, gathered.citations))
        for tokens in gathered.logprobs:
            for key, values in (logprobs.to_wire(tokens) or {}).items():
                probabilities.setdefault(key, []).extend(values)
    finish = answer.finish(choice)
    made: dict[str, Any] = {
        "content": {"parts": parts or [{"text": ""}], "role": "model"},
        "finishReason": word_of(finish.reason),
        "index": choice,
    }
    if finish.words:
        made["finishMessage"] = finish.words
    if (sources := grounding.to_wire(cited)) is not None:
        made["groundingMetadata"] = sources
    if probabilities:
        made["logprobsResult"] = probabilities
    return made


def _block(gathered: Gathered, numbers: dict[int, int], setting: Setting) -> Block:
    start = BlockStart(gathered.at, gathered.kind, gathered.id, gathered.name, gathered.media_type, gathered.choice)
    block = Block(start, setting.exchange_id, numbers.get(gathered.at, 0))
    block.add(gathered.text)
    block.sealed = gathered.sealed
    return block


def read_answer(body: bytes) -> Reading:
    """Look at a whole answer that is relayed untouched."""
    try:
        fields = _loose.decode(body)
    except UNREADABLE:
        return Reading(valid=False)
    failed = "error" in fields and bytes(fields["error"]) not in _NOTHING
    usage = read_usage(fields["usageMetadata"]) if "usageMetadata" in fields else None
    if usage is not None:
        usage = with_searches(usage, searches.of_answer(body))
    # `:countTokens` answers with a total alone.
    known = any(name in fields for name in ("candidates", "promptFeedback", "totalTokens"))
    return Reading(valid=known and not failed, error=failed, usage=usage)


def usage_in_tail(tail: bytes) -> Usage | None:
    """The usage in the last bytes of an answer too large to hold."""
    at = tail.rfind(b'"usageMetadata"')
    start = tail.find(b"{", at) if at >= 0 else -1
    if start < 0:
        return None
    depth = 0
    for place in range(start, len(tail)):
        # No string in it holds a brace.
        byte = tail[place]
        depth += (byte == 0x7B) - (byte == 0x7D)
        if not depth:
            usage = read_usage(tail[start : place + 1])
            made = searches.Searches()
            made.tail(tail)
            return with_searches(usage, made.made) if usage is not None else None
    return None
