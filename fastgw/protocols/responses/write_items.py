"""Calls, reasoning, pictures and what only this dialect knows, on their way to a caller."""

from typing import Any

import msgspec

from fastgw.protocols.hub.sealed import Sealed, tagged
from fastgw.protocols.responses import seals
from fastgw.protocols.responses.frames import Frames, Item
from fastgw.protocols.responses.peek import FAMILY

_encode = msgspec.json.Encoder().encode
_wrapped = msgspec.json.Decoder(dict[str, Any])


class Call(Item):
    """A call of a function or, if `custom`, of a custom tool."""

    def __init__(
        self, frames: Frames, item_id: str, index: int, call_id: str, name: str, namespace: str, *, custom: bool
    ) -> None:
        super().__init__(frames, item_id, index)
        self.call_id = call_id
        self._named = {"call_id": call_id, "name": name} | ({"namespace": namespace} if namespace else {})
        self._name = name
        self._custom = custom
        self._pieces: list[str] = []
        self._text = ""
        kind = "custom_tool_call_input" if custom else "function_call_arguments"
        self._say = frames.head(f"response.{kind}.delta", self.at)
        self.delta = self._delta
        self.sealed: Sealed | None = None

    def _delta(self, text: str) -> bytes:
        self._pieces.append(text)
        return self._say(text)

    def seal(self, sealed: Sealed) -> None:
        """Kept for the item behind this one."""
        self.sealed = sealed

    def stop(self) -> bytes:
        """The text of the call is complete."""
        said = b""
        self._text = "".join(self._pieces)
        if not self._text and not self._custom:
            self._text = "{}"
            said = self._say("{}")
        text = _encode(self._text)
        if self._custom:
            return said + self.frames.say("response.custom_tool_call_input.done", self.at + b',"input":' + text)
        body = b'%b,"name":%b,"arguments":%b' % (self.at, _encode(self._name), text)
        return said + self.frames.say("response.function_call_arguments.done", body)

    def whole(self, status: str) -> bytes:
        """The call."""
        if self._custom:
            return _encode({"id": self.id, "type": "custom_tool_call", **self._named, "input": self._text})
        made = {"id": self.id, "type": "function_call", "status": status, **self._named, "arguments": self._text}
        return _encode(made)


class WrappedCall(Call):
    """A custom tool that the model was shown as a function: its text is one field of the arguments."""

    def _delta(self, text: str) -> bytes:
        self._pieces.append(text)
        return b""

    def stop(self) -> bytes:
        """Say the text, now that it can be unwrapped."""
        self._pieces = [unwrapped("".join(self._pieces))]
        return (self._say(self._pieces[0]) if self._pieces[0] else b"") + super().stop()


class Reasoning(Item):
    """Reasoning; its words are a summary to the caller, its seal comes back with the next question."""

    def __init__(self, frames: Frames, item_id: str, index: int, *, redacted: bool) -> None:
        super().__init__(frames, item_id, index)
        self._pieces: list[str] = []
        self._redacted = redacted
        self._where = self.at + b',"summary_index":0'
        self._say = frames.head("response.reasoning_summary_text.delta", self._where)
        self.encrypted = ""
        """What the caller sends back, empty if nothing was sealed."""
        self.delta = self.nothing if redacted else self._first

    def _first(self, text: str) -> bytes:
        self.delta = self._more
        part = b',"part":{"type":"summary_text","text":""}'
        return self.frames.say("response.reasoning_summary_part.added", self._where + part) + self._more(text)

    def _more(self, text: str) -> bytes:
        self._pieces.append(text)
        return self._say(text)

    def seal(self, sealed: Sealed) -> None:
        """The last one stands."""
        self.encrypted = seals.redacted(sealed) if self._redacted else tagged(sealed, FAMILY)

    def stop(self) -> bytes:
        """The words are complete."""
        if not self._pieces:
            return b""
        text = "".join(self._pieces)
        part = b',"part":' + _encode({"type": "summary_text", "text": text})
        done = self.frames.say("response.reasoning_summary_text.done", self._where + b',"text":' + _encode(text))
        return done + self.frames.say("response.reasoning_summary_part.done", self._where + part)

    def whole(self, status: str) -> bytes:
        """The reasoning."""
        text = "".join(self._pieces)
        made: dict[str, Any] = {"id": self.id, "type": "reasoning"}
        made["summary"] = [{"type": "summary_text", "text": text}] if text and status != "in_progress" else []
        if status != "in_progress":
            made["encrypted_content"] = self.encrypted or seals.UNSEALED
        return _encode(made)


class Picture(Item):
    """A picture that the model made."""

    def __init__(self, frames: Frames, item_id: str, index: int) -> None:
        super().__init__(frames, item_id, index)
        self._pieces: list[str] = []
        self.delta = self._delta

    def _delta(self, text: str) -> bytes:
        self._pieces.append(text)
        return b""

    def begin(self) -> bytes:
        """Announce it, and that it is being made."""
        said = super().begin() + self.frames.say("response.image_generation_call.in_progress", self.at)
        return said + self.frames.say("response.image_generation_call.generating", self.at)

    def stop(self) -> bytes:
        """It is complete."""
        return self.frames.say("response.image_generation_call.completed", self.at)

    def whole(self, status: str) -> bytes:
        """The picture, as base64."""
        ended = status != "in_progress"
        made = {"id": self.id, "type": "image_generation_call", "status": "completed" if ended else status}
        return _encode(made | {"result": "".join(self._pieces) if ended else None})


class Foreign(Item):
    """An item that a provider of Responses made for a caller of Responses; only its id becomes the gateway's."""

    def __init__(self, frames: Frames, item_id: str, index: int) -> None:
        super().__init__(frames, item_id, index)
        self._pieces: list[str] = []
        self.delta = self._delta

    def _delta(self, text: str) -> bytes:
        self._pieces.append(text)
        return b""

    def begin(self) -> bytes:
        """Nothing is known of it yet."""
        return b""

    def stop(self) -> bytes:
        """Announce it now."""
        return super().begin()

    def whole(self, status: str) -> bytes:
        """The item."""
        return _encode(_wrapped.decode("".join(self._pieces)) | {"id": self.id})


def unwrapped(arguments: str) -> str:
    """The text of a custom tool's call; arguments that are something else stay as they are."""
    try:
        given = _wrapped.decode(arguments)
    except msgspec.MsgspecError:
        return arguments
    text = given.get("input")
    return text if isinstance(text, str) else arguments
