"""`POST /v1/responses/compact` for providers of other dialects: the history is summarised by the model itself.

The answer is the object of OpenAI's endpoint: what the users said stays, a message with the summary stands for the
rest. What OpenAI seals in a `compaction` item only OpenAI could read. `output_text` at the top level holds the summary.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Conversation, Document, Image, Text, ToolChoice, Turn
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import Event, Kind
from fastgw.protocols.hub.gather import gather
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.target import SAME
from fastgw.protocols.responses.encode_parts import Parts
from fastgw.protocols.responses.usage import said

PREFACE = "Another assistant worked on this before. Its summary of what has happened so far:"
ASK = """\
Do not go on with the task. Write a summary of this conversation, from which another assistant can go on with it without
having seen it: what the user wants, what was decided and why, what was done and found out (name files, commands, values
and errors word for word where they matter), what is left to do, and what must not be forgotten. Write the summary only.
"""
_encode = msgspec.json.Encoder().encode


def summarising(conversation: Conversation) -> Conversation:
    """The question that makes the model summarise `conversation`: tools stay known, as their calls are in the history,
    but none may be called; the answer has no form of its own."""
    asked = Turn("user", (Text(ASK),), plain=True)
    return msgspec.structs.replace(
        conversation,
        turns=(*conversation.turns, asked),
        stream=False,
        tool_choice=ToolChoice("none") if conversation.tools else None,
        format=None,
        verbosity="",
    )


def render(events: Iterable[Event], setting: Setting) -> bytes:
    """The answer. `setting.conversation` is the caller's question, before it was made to ask for a summary."""
    answer = gather(events)
    summary = "".join(block.text for block in answer.blocks if block.kind in {Kind.TEXT, Kind.REFUSAL})
    kept = [*_from_users(setting.conversation), [{"type": "input_text", "text": f"{PREFACE}\n\n{summary}"}]]
    output = [
        {
            "id": f"msg_{setting.exchange_id}_{number}",
            "type": "message",
            "status": "completed",
            # As a user's: some models take what an assistant said last for the start of their answer.
            "role": "user",
            "content": content,
        }
        for number, content in enumerate(kept, 1)
    ]
    return _encode({
        "id": f"resp_{setting.exchange_id}",
        "object": "response.compaction",
        "created_at": setting.created_s,
        "output": output,
        "usage": said(answer.usage_or_nothing),
        "output_text": summary,
    })  # fmt: skip


def _from_users(conversation: Conversation) -> Iterator[list[dict[str, Any]]]:
    """What each message of a user holds; its pictures and documents must stand as they came."""
    parts = Parts(SAME.abilities, Losses(), "input", own=True, own_files=True)
    for turn in conversation.turns:
        content: list[dict[str, Any]] = []
        for part in turn.parts if turn.role == "user" else ():
            match part:
                case Text():
                    content.append({"type": "input_text", "text": part.text})
                case Image():
                    detail = part.detail or "auto"
                    content += parts.medium(msgspec.structs.replace(part, detail=detail))
                case Document():
                    content += parts.medium(part)
        if content:
            yield content
