"""Calls and results where a provider wants one result for each call, first in the turn right after it."""

from collections.abc import Sequence

import msgspec

from fastgw.protocols.hub.conversation import Part, Text, ToolCall, ToolResult
from fastgw.protocols.hub.losses import Losses


def calls_of(parts: Sequence[Part], path: str, losses: Losses) -> dict[str, None]:
    """The ids of the calls in one turn, in order. Refuses two calls of one id."""
    calls = [part.id for part in parts if part.__class__ is ToolCall]
    if len(set(calls)) < len(calls):
        losses.refuse(path, "two calls in one message have the same id. Give each an id of its own.")
    return dict.fromkeys(calls)


def answered(calls: dict[str, None], parts: list[Part], path: str, losses: Losses, *, tool_images: bool) -> list[Part]:
    """`parts` of the turn after `calls`, the results first and in the order of the calls.

    Refuses anything but one result for each call. Without `tool_images` media of results follow behind the results.
    """
    if not calls and not any([part.__class__ is ToolResult for part in parts]):
        return parts
    results: dict[str, ToolResult] = {}
    for part in parts:
        if isinstance(part, ToolResult):
            if part.call_id not in calls:
                losses.refuse(path, f"the result for '{part.call_id}' does not follow a call with that id.")
            if part.call_id in results:
                losses.refuse(path, f"the call '{part.call_id}' has two results. Send one.")
            results[part.call_id] = part
    answers: list[Part] = []
    shown: list[Part] = []
    for call in calls:
        if call not in results:
            losses.refuse(path, f"the call '{call}' has no result in the message after it. Send one for each call.")
        result = results[call]
        if not tool_images and any([part.__class__ is not Text for part in result.parts]):
            shown += (part for part in result.parts if not isinstance(part, Text))
            result = msgspec.structs.replace(result, parts=tuple(p for p in result.parts if isinstance(p, Text)))
        answers.append(result)
    return [*answers, *shown, *(part for part in parts if not isinstance(part, ToolResult))]
