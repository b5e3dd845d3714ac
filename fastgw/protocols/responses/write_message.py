"""A message of an answer: texts and refusals in a row, with citations and log probabilities."""

from collections.abc import Callable
from typing import Any

import msgspec

from fastgw.protocols.hub.conversation import Citation
from fastgw.protocols.hub.sealed import Sealed
from fastgw.protocols.responses.frames import Frames, Item

_encode = msgspec.json.Encoder().encode
_tokens = msgspec.json.Decoder(list[dict[str, Any]])


class Message(Item):
    """Texts and refusals in a row, each a part."""

    def __init__(self, frames: Frames, item_id: str, index: int) -> None:
        super().__init__(frames, item_id, index)
        self._parts: list[bytes] = []
        self._pieces: list[str] = []
        self._notes: list[bytes] = []
        self._logprobs: list[dict[str, Any]] = []
        self._pending: list[dict[str, Any]] = []
        """Log probabilities that no event has told yet."""
        self._say: Callable[[str], bytes] = self.nothing
        self._refusal = False
        self._where = b""
        self.sealed: Sealed | None = None
        """The last seal of a text."""
        self.has_refusal = False

    def start(self, *, refusal: bool) -> bytes:
        """A part begins."""
        self._where = self.at + b',"content_index":%d' % len(self._parts)
        self._refusal = refusal
        self.has_refusal = self.has_refusal or refusal
        self._pieces, self._notes, self._logprobs = [], [], []
        kind = "refusal" if refusal else "output_text"
        self._say = self.frames.head(f"response.{kind}.delta", self._where + (b"" if refusal else b',"logprobs":[]'))
        self.delta = self._delta
        if self.frames.silent:
            return b""
        return self.frames.say("response.content_part.added", self._where + b',"part":' + self._part())

    def _delta(self, text: str) -> bytes:
        self._pieces.append(text)
        if self._pending:
            return self._with_logprobs(text)
        return self._say(text)

    def logprobs(self, tokens: str) -> None:
        """They go out with the next words, or at the end of the part: clients add them up."""
        told = [_full(token) for token in _tokens.decode(tokens)]
        self._logprobs += told
        self._pending += told

    def cite(self, citation: Citation) -> bytes:
        """A citation of the current part."""
        if self._refusal:
            return b""
        note = annotation(citation, sum(map(len, self._pieces)))
        body = self._where + b',"annotation_index":%d,"annotation":%b' % (len(self._notes), note)
        self._notes.append(note)
        return self.frames.say("response.output_text.annotation.added", body)

    def seal(self, sealed: Sealed) -> None:
        """Kept for the item behind this one."""
        self.sealed = sealed

    def stop(self) -> bytes:
        """The part has ended."""
        self._pending = []
        part = self._part()
        self._parts.append(part)
        self.delta = self.nothing
        if self.frames.silent:
            return b""
        text = _encode("".join(self._pieces))
        if self._refusal:
            done = self.frames.say("response.refusal.done", self._where + b',"refusal":' + text)
        else:
            body = b',"text":%b,"logprobs":%b' % (text, _encode(self._logprobs))
            done = self.frames.say("response.output_text.done", self._where + body)
        return done + self.frames.say("response.content_part.done", self._where + b',"part":' + part)

    def whole(self, status: str) -> bytes:
        """The message."""
        content = b",".join(self._parts)
        head = _encode({"id": self.id, "type": "message", "status": status, "role": "assistant"})
        return b'%b,"content":[%b]}' % (head[:-1], content)

    def _part(self) -> bytes:
        text = "".join(self._pieces)
        if self._refusal:
            return _encode({"type": "refusal", "refusal": text})
        notes = [msgspec.Raw(note) for note in self._notes]
        return _encode({"type": "output_text", "text": text, "annotations": notes, "logprobs": self._logprobs})

    def _with_logprobs(self, text: str) -> bytes:
        told, self._pending = self._pending, []
        body = b'%b,"delta":%b,"logprobs":%b' % (self._where, _encode(text), _encode(told))
        return self.frames.say("response.output_text.delta", body)


def annotation(citation: Citation, position: int) -> bytes:
    """A citation as an annotation. `position` is where the text now ends, for dialects that cite no span of it."""
    if citation.dialect == "responses" and citation.raw:
        return citation.raw.encode()
    if citation.url:
        end = citation.end if citation.kind == "url" else position
        start = citation.start if citation.kind == "url" else position
        made: dict[str, Any] = {"type": "url_citation", "url": citation.url, "start_index": start, "end_index": end}
        return _encode(made | {"title": citation.title})
    made = {"type": "file_citation", "file_id": "", "index": position, "filename": citation.title}
    return _encode(made)


def _full(token: dict[str, Any]) -> dict[str, Any]:
    """With the bytes that other dialects leave out."""
    others = token.get("top_logprobs") or []
    return _bytes(token) | {"top_logprobs": [_bytes(other) for other in others]}


def _bytes(token: dict[str, Any]) -> dict[str, Any]:
    text = token.get("token", "")
    given = token.get("bytes")
    spelled = given if isinstance(given, list) else list(text.encode("utf-8", "replace"))
    return {"token": text, "logprob": token.get("logprob", 0.0), "bytes": spelled}
