"""Reasoning of other families, taken out of messages that go to a provider of this dialect as they came.

A caller keeps what the gateway gave it, and sends it back with the next question, which may be for another model:
`reasoning_details` with tagged seals, and Google's signatures in `extra_content`. Some providers answer 400 to such
fields (Groq and Mistral to any that they do not know), and none but the family that made them can read them. What
the lane's own family sealed goes back as it was. Every other byte stays, and what a caller brought from elsewhere
(bare `reasoning_details`) is none of the gateway's business.
"""

from typing import Any

import msgspec

from fastgw.protocols.chat import carriers
from fastgw.protocols.hub.conversation import Thought
from fastgw.protocols.hub.sealed import untagged
from fastgw.protocols.hub.target import Target
from fastgw.protocols.toplevel import Fields

_TAGGED, _GOOGLES = b"fgw1.", b"thought_signature"
_LISTS = ("reasoning_details", "thinking_blocks")
_WORDS = ("reasoning_content", "reasoning")

_objects = msgspec.json.Decoder(list[Fields])
_extra = msgspec.json.Decoder(dict[str, dict[str, Any]])
_encode = msgspec.json.Encoder().encode


def stripped(messages: msgspec.Raw, target: Target) -> msgspec.Raw:
    """The messages without what the lane's family cannot read; the same object if there is nothing of the kind, which
    `suspect` tells at a fraction of the price."""
    try:
        given = _objects.decode(messages)
        made = [_message(message, target) for message in given]
    except msgspec.MsgspecError:
        # It is wrong in some other way; the provider says in which.
        return messages
    return messages if made == given else msgspec.Raw(_encode(made))


def suspect(said: bytes) -> bool:
    """Whether there may be something to take out."""
    return _TAGGED in said or _GOOGLES in said


def _message(message: Fields, target: Target) -> Fields:
    made = dict(message)
    for name in _LISTS:
        if name in made and _TAGGED in bytes(made[name]):
            _replay(made, name, target)
    _unsign(made, target)
    if "tool_calls" in made and suspect(bytes(made["tool_calls"])):
        calls = _objects.decode(made["tool_calls"])
        for call in calls:
            _unsign(call, target)
        made["tool_calls"] = msgspec.Raw(_encode(calls))
    return message if made == message else made


def _replay(message: Fields, name: str, target: Target) -> None:
    """Keep of a list of reasoning what the lane's family made and wants back, in the shape in which it made it."""
    left: dict[str, list[Any]] = {}
    foreign = False
    wanted = bool(target.abilities.echo_reasoning)
    for item in _objects.decode(message.pop(name)):
        sealed = untagged(carriers.seal_text(item), "")
        if not sealed.family:
            left.setdefault(name, []).append(item)
        elif wanted and sealed.family == target.family:
            thought = Thought(carriers.words_of(item), sealed, carriers.is_redacted(item))
            into, restored = carriers.restored(thought)
            left.setdefault(into, []).append(restored)
        else:
            foreign = True
    for into, items in left.items():
        message[into] = msgspec.Raw(_encode(items))
    if foreign and not wanted:
        # The same words once more, which are as little use there.
        for words in _WORDS:
            message.pop(words, None)


def _unsign(carrier: Fields, target: Target) -> None:
    """Take Google's signature from a message or a call, unless it goes back to Google's own."""
    if "extra_content" not in carrier or _GOOGLES not in bytes(carrier["extra_content"]):
        return
    extra = _extra.decode(carrier["extra_content"])
    google = extra.get("google", {})
    signature = google.get("thought_signature")
    if not isinstance(signature, str):
        return
    sealed = untagged(signature, carriers.GOOGLE)
    if sealed.family == target.family:
        if sealed.data != signature:
            google["thought_signature"] = sealed.data
            carrier["extra_content"] = msgspec.Raw(_encode(extra))
        return
    del google["thought_signature"]
    if not google:
        del extra["google"]
    if extra:
        carrier["extra_content"] = msgspec.Raw(_encode(extra))
    else:
        del carrier["extra_content"]
