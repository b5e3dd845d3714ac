"""Pieces of an answer that the whole message and the stream share."""

from typing import Any

from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import Finish, Kind, StopReason
from fastgw.protocols.hub.ids import minted, tool_id
from fastgw.protocols.messages.usage import wire_usage
from fastgw.usage import Usage

OPAQUE_TYPES = frozenset(
    (
        "server_tool_use", "web_search_tool_result", "web_fetch_tool_result", "code_execution_tool_result",
        "bash_code_execution_tool_result", "text_editor_code_execution_tool_result", "tool_search_tool_result",
        "container_upload", "mcp_tool_use", "mcp_tool_result", "mcp_tool_listing", "advisor_tool_result", "compaction",
        "fallback",
    )
)  # fmt: skip
"""Blocks of this dialect that pass as they are (anthropic-python 2.12 `types/beta/beta_content_block.py`, 2026-11);
another dialect's have no place."""

MEDIA = {Kind.IMAGE: "image", Kind.AUDIO: "audio"}
"""An answer of this dialect has no block for them; a note says what is missing."""

_STOPS = {
    StopReason.END: "end_turn",
    StopReason.LENGTH: "max_tokens",
    StopReason.CONTEXT_FULL: "model_context_window_exceeded",
    StopReason.STOP_SEQUENCE: "stop_sequence",
    StopReason.TOOLS: "tool_use",
    StopReason.REFUSAL: "refusal",
    StopReason.PAUSE: "pause_turn",
    StopReason.MALFORMED_CALL: "end_turn",
}


def message_id(setting: Setting) -> str:
    """The id of the answer."""
    return f"msg_{setting.exchange_id}"


def call_id(given: str, setting: Setting, number: int) -> str:
    """The id of the call that is block `number`."""
    return tool_id(given, "toolu_") if given else minted("toolu_", setting.exchange_id, number)


def note_of(kind: Kind, media_type: str) -> str:
    """What stands in for a medium."""
    return f"[The model answered with {MEDIA[kind]} ({media_type or 'unknown type'}), which cannot be shown here.]"


def ending(finish: Finish, setting: Setting, *, refused: bool) -> dict[str, Any]:
    """`stop_reason`, `stop_sequence` and, of a refusal, `stop_details`. `refused`: words of refusal were written."""
    reason = finish.reason
    if refused and reason is StopReason.END:
        reason = StopReason.REFUSAL
    stops = setting.conversation.sampling.stop
    sequence = finish.sequence or (stops[0] if len(stops) == 1 else "")
    fields: dict[str, Any] = {
        "stop_reason": _STOPS[reason],
        "stop_sequence": sequence or None if reason is StopReason.STOP_SEQUENCE else None,
    }
    if reason is StopReason.REFUSAL:
        fields["stop_details"] = {"type": "refusal", "category": None, "explanation": finish.words or None}
    return fields


def usage_of(usage: Usage | None, setting: Setting, output_tokens_estimate: int) -> dict[str, Any]:
    """What was reported, else what the gateway counted itself: clients add the numbers up and cannot do without."""
    return wire_usage(usage or Usage(in_text=setting.prompt_tokens_estimate, out_text=output_tokens_estimate))
