"""The history of a conversation as Gemini's contents."""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.protocols.gemini import seals, wire
from fastgw.protocols.gemini.decode_parts import MINTED
from fastgw.protocols.hub.conversation import (
    Audio,
    Conversation,
    Document,
    Image,
    Opaque,
    Part,
    Refused,
    Text,
    Thought,
    ToolCall,
    ToolResult,
    Turn,
    Video,
)
from fastgw.protocols.hub.losses import Losses
from fastgw.protocols.hub.media import media_type_of
from fastgw.protocols.hub.names import field_of
from fastgw.protocols.hub.target import Target

_object = msgspec.json.Decoder(dict[str, msgspec.Raw])
_raw_text = msgspec.json.Encoder().encode

Wired = dict[str, Any]
ATTRIBUTION = "x-anthropic-billing-header:"
"""Start of Claude Code's first system block. It differs with each request: kept, no prompt cache would ever hit."""


def as_object(text: str, *, wrap: str = "_raw") -> msgspec.Raw:
    """`text` where a JSON object is due: itself if it is one, `{}` for nothing, else inside a field called `wrap`."""
    stripped = text.strip()
    if not stripped:
        return msgspec.Raw(b"{}")
    if stripped.startswith("{"):
        try:
            _object.decode(stripped)
        except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
            pass
        else:
            return msgspec.Raw(stripped.encode())
    return msgspec.Raw(_raw_text({wrap: text}))


class History:
    """Writes the turns of one conversation."""

    def __init__(self, conversation: Conversation, target: Target, losses: Losses) -> None:
        self._origin = conversation.origin
        self._own = conversation.origin == "gemini"
        self._target = target
        self._family = target.family or seals.FAMILY
        self._losses = losses
        self._turns = conversation.turns
        self._path = field_of(conversation.origin, "turns")
        self._names = {
            part.id: part.name for turn in conversation.turns for part in turn.parts if isinstance(part, ToolCall)
        }

    def system(self) -> list[Wired]:
        """The parts of `systemInstruction`, of all system turns wherever they stood."""
        made: list[Wired] = []
        for turn in self._turns:
            if turn.role in ("system", "developer"):
                if turn.name:
                    self._losses.drop(f"{self._path}.name")
                for part in turn.parts:
                    if isinstance(part, Text):
                        self._uncached(part)
                        if part.text and not (part.text.startswith(ATTRIBUTION) and not self._own):
                            made.append({"text": part.text})
                    elif isinstance(part, Opaque):
                        self._losses.opaque(part)
                    else:
                        self._losses.refuse("system", "its instructions hold text only. Send other parts as a user.")
        return made

    def contents(self) -> list[Wired]:
        """All other turns; neighbours of one role are one content, which answers all calls of the one before."""
        made: list[Wired] = []
        for turn in self._turns:
            if turn.role in ("system", "developer"):
                continue
            if turn.name:
                self._losses.drop(f"{self._path}.name")
            role = "model" if turn.role == "assistant" else "user"
            parts = self._parts(turn)
            if not parts:
                continue
            if made and made[-1]["role"] == role and not self._own:
                made[-1]["parts"] += parts
            else:
                made.append({"role": role, "parts": parts})
        if not self._own:
            for number, content in enumerate(made):
                content["parts"] = self._tidied(content, made[number - 1]["parts"] if number else [])
        if self._target.abilities.signatures_demanded:
            for content in made:
                _demand(content)
        return made

    def _parts(self, turn: Turn) -> list[Wired]:
        made: list[Wired] = []
        seal = ""
        for part in turn.parts:
            if isinstance(part, Thought):
                wired, seal = self._thought(part, turn, seal)
                made += wired
                continue
            wired = self._part(part, made)
            if seal and wired and isinstance(part, ToolCall | Text):
                wired[0].setdefault("thoughtSignature", seal)
                seal = ""
            made += wired
        if seal:
            made.append({"text": "", "thoughtSignature": seal})
        if not made and not any(isinstance(part, Thought | Opaque) for part in turn.parts):
            # A turn without content is refused, and to drop it would put two turns of one role together.
            made.append({"text": " "})
        return made

    def _thought(self, part: Thought, turn: Turn, waiting: str) -> tuple[list[Wired], str]:
        """Reasoning is replayed to the family that signed it, and only to it. A signature that a caller could only
        carry beside reasoning stands beside what follows it, where Google puts its own."""
        sealed = part.sealed
        if sealed is None or sealed.family != self._family or turn.role != "assistant":
            return [], waiting
        before = [{"text": "", "thoughtSignature": waiting}] if waiting else []
        text = part.text or "\n".join(part.summaries)
        if self._own:
            return [*before, {"text": text, "thought": True, "thoughtSignature": sealed.data}], ""
        return [*before, *([{"text": text, "thought": True}] if text else [])], sealed.data

    def _part(self, part: Part, before: list[Wired]) -> list[Wired]:  # noqa: PLR0911  one arm for each kind
        match part:
            case Text():
                self._uncached(part)
                return self._text(part)
            case Image() | Document() | Audio() | Video():
                return self._medium(part)
            case ToolCall():
                self._uncached(part)
                return [self._call(part)]
            case ToolResult():
                self._uncached(part)
                return self._result(part)
            case Refused():
                return [{"text": part.text}] if part.text else []
            case Opaque():
                return self._opaque(part, before)
            case _:
                return []

    def _text(self, part: Text) -> list[Wired]:
        if part.citations:
            self._losses.drop(f"{self._path}.{field_of(self._origin, 'citations')}")
        signature = part.sealed.data if part.sealed and part.sealed.family == self._family else ""
        if signature:
            return [{"text": part.text, "thoughtSignature": signature}]
        return [{"text": part.text}] if part.text or self._own else []

    def _call(self, part: ToolCall) -> Wired:
        arguments = msgspec.Raw(_raw_text({"input": part.arguments})) if part.custom else as_object(part.arguments)
        call: Wired = {"name": part.name, "args": arguments}
        if part.id and not part.id.startswith(MINTED):
            call = {"id": part.id, **call}
        wired: Wired = {"functionCall": call}
        if part.sealed and part.sealed.family == self._family:
            wired["thoughtSignature"] = part.sealed.data
        return wired

    def _result(self, part: ToolResult) -> list[Wired]:
        words = [each.text for each in part.parts if isinstance(each, Text)]
        media = [wired for each in part.parts if not isinstance(each, Text) for wired in self._medium(each)]
        answer: Wired = {"name": part.name or self._names.get(part.call_id) or part.call_id}
        if part.call_id and not part.call_id.startswith(MINTED):
            answer = {"id": part.call_id, **answer}
        if part.raw_object:
            answer["response"] = as_object(part.raw_object, wrap="output")
        elif part.is_error:
            answer["response"] = {"error": "\n".join(words)}
        elif len(words) > 1:
            answer["response"] = {"output": words}
        elif words:
            answer["response"] = as_object(words[0], wrap="output") if words[0].strip() else {"output": words[0]}
        else:
            answer["response"] = {}
        if media and (self._target.abilities.tool_images or self._own):
            return [{"functionResponse": {**answer, "parts": media}}]
        return [{"functionResponse": answer}, *media]

    def _medium(self, part: Image | Document | Audio | Video) -> list[Wired]:
        abilities = self._target.abilities
        path = self._path
        taken, fetched = {
            Image: (abilities.image_input, abilities.image_url),
            Document: (abilities.document_input, abilities.document_url),
            Audio: (abilities.audio_input, False),
            Video: (abilities.video_input, True),
        }[type(part)]
        if not taken and not (isinstance(part, Document) and part.text is not None):
            self._losses.refuse(path, f"the model takes no {type(part).__name__.lower()}. Ask another model.")
        before: list[Wired] = []
        if isinstance(part, Image | Document):
            self._uncached(part)
        if isinstance(part, Image) and part.detail not in ("", "auto"):
            self._losses.drop(f"{path}.detail")
        if isinstance(part, Document):
            if part.citations:
                self._losses.drop(f"{path}.citations")
            title = part.filename if part.text is not None else ""
            before = [{"text": said} for said in (title, part.context) if said]
            if part.text is not None:
                return [*before, {"text": part.text}]
            if part.filename and not self._own:
                self._losses.drop(f"{path}.{field_of(self._origin, 'filename')}")
        source = part.source
        name = {"displayName": part.filename} if isinstance(part, Document) and part.filename and self._own else {}
        kind = media_type_of(source) if source.data else source.media_type
        if source.data:
            if not kind:
                self._losses.refuse(path, "it must be told the media type. Send one.")
            if isinstance(part, Image) and not kind.lower().startswith("image/"):
                # It would be read as what it is, which may come to far more tokens than a picture.
                self._losses.refuse(path, f"a picture of type '{kind}' is none. Send it as what it is.")
            return [*before, {"inlineData": {"mimeType": kind, "data": source.data, **name}}]
        if source.file_id and not self._own:
            self._losses.refuse(path, "the file is kept by another provider. Send its content.")
        if not source.file_id and not (fetched or source.url.startswith("gs://") or self._own):
            self._losses.refuse(path, "the model cannot fetch URLs of this kind. Send the content.")
        where = {"fileUri": source.file_id or source.url}
        return [*before, {"fileData": ({"mimeType": kind} if kind else {}) | where | name}]

    def _opaque(self, part: Opaque, before: list[Wired]) -> list[Wired]:
        if part.dialect != "gemini":
            self._losses.opaque(part)
            return []
        raw = msgspec.Raw(part.raw.encode())
        if part.kind not in wire.BESIDE:
            return [_object.decode(raw)]
        if before:
            into, _, name = part.kind.rpartition(".")
            home = before[-1]
            home = home.get(into, {}) if into else home
            home[name] = raw
        return []

    def _tidied(self, content: Wired, before: list[Wired]) -> list[Wired]:
        """Results first, in the order of the calls; no empty text beside other parts."""
        parts: list[Wired] = content["parts"]
        if len(parts) > 1:
            parts = [part for part in parts if part != {"text": " "}] or parts[:1]
        if content["role"] != "user":
            return parts
        order = [part["functionCall"].get("id", "") for part in before if "functionCall" in part]
        results = [part for part in parts if "functionResponse" in part]
        if not results:
            return parts

        def place(part: Wired) -> int:
            call_id = part["functionResponse"].get("id", "")
            return order.index(call_id) if call_id in order else len(order)

        return sorted(results, key=place) + [part for part in parts if "functionResponse" not in part]

    def _uncached(self, part: Text | Image | Document | ToolCall | ToolResult) -> None:
        if part.cache is not None:
            self._losses.drop("cache_control")


def _demand(content: Wired) -> None:
    """Gemini 3 answers 400 to calls of which none is signed; of parallel ones the first is."""
    calls: Iterable[Wired] = [part for part in content["parts"] if "functionCall" in part]
    if content["role"] == "model" and calls and not any("thoughtSignature" in part for part in calls):
        next(iter(calls))["thoughtSignature"] = seals.DUMMY
