"""The form that the answer must have.

A schema goes into `output_config.format` where the lane takes it. Where it does not, and for `json_object`, words in
the system prompt stand in (as a loss where a schema was to be guaranteed): a forced tool would cost the caller
thinking and tools of his own, and its answer would have to be taken out of a call.
"""

from typing import Any

import msgspec

from fastgw.protocols.hub.answerable import answerable
from fastgw.protocols.hub.conversation import Conversation
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.names import field_of, format_of
from fastgw.protocols.hub.target import Abilities

_OBJECT = "Answer with one valid JSON object and nothing else: no words around it, no code fence."
_SCHEMA = "Answer with one JSON value that fits this JSON Schema and nothing else: no words around it, no code fence.\n"


def output_format(conversation: Conversation, abilities: Abilities, losses: Losses) -> dict[str, Any] | None:
    """The value of `output_config.format`, if a schema is sent."""
    form = conversation.format
    if form is None or form.kind != "json_schema" or not form.schema:
        return None
    if abilities.json_schema != "native":
        losses.drop(format_of(conversation))
        return None
    if form.description:
        losses.drop(f"{field_of(conversation.origin, 'format')}.description")
    own = conversation.origin == "messages"
    schema = form.schema if own else answerable(form.schema)
    return {"type": "json_schema", "schema": msgspec.Raw(schema.encode())}


def hint_of(conversation: Conversation, abilities: Abilities) -> dict[str, Any] | None:
    """A block of the system prompt that asks for the form."""
    form = conversation.format
    if form is None or form.kind == "text":
        return None
    if form.kind == "json_schema" and form.schema:
        if abilities.json_schema == "native":
            return None
        return {"type": "text", "text": _SCHEMA + form.schema}
    return {"type": "text", "text": _OBJECT}
