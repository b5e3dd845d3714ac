"""Gemini's generateContent, as a provider speaks it."""

import json
from typing import Any

from tests.fakes import answers
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens, pieces

ID = "gemini-PROVIDER"
FINISH = {"end": "STOP", "length": "MAX_TOKENS", "stop_sequence": "STOP", "tools": "STOP", "refusal": "SAFETY"}
STATUS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED", 500: "INTERNAL"}


def usage(tokens: Tokens, *, begun: bool = False) -> dict[str, Any]:
    """Candidates exclude thoughts; each chunk counts up to itself."""
    said = 1 if begun else tokens.said
    told = {"promptTokenCount": tokens.taken, "candidatesTokenCount": said}
    told["totalTokenCount"] = tokens.taken + said + tokens.thought
    if tokens.read:
        told["cachedContentTokenCount"] = tokens.read
    if tokens.thought:
        told["thoughtsTokenCount"] = tokens.thought
    return told


def unary(scene: Scene) -> dict[str, Any]:
    """The whole answer."""
    parts = [part for block in _sealed(scene) for part in [block] if part]
    return _body(parts, FINISH[scene.stop], usage(scene.tokens))


def frames(scene: Scene, _body_asked: dict[str, Any]) -> list[bytes]:
    """The stream as SSE; each call whole in one chunk, and `finishReason` in a chunk of its own with an empty text."""
    made = []
    for part in _sealed(scene):
        if "functionCall" in part:
            made.append([part])
        else:
            texts = pieces(part["text"], scene)
            made += [[part | {"text": text}] for text in texts]
    counted = [_body(parts, None, usage(scene.tokens, begun=True)) for parts in made]
    last = _body([{"text": ""}] if scene.stop != "refusal" else [], FINISH[scene.stop], usage(scene.tokens))
    return [answers.data_frame(body) for body in [*counted, last]]


def counted(tokens: int) -> dict[str, Any]:
    """The answer of `:countTokens`."""
    return {"totalTokens": tokens}


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    return {"error": {"code": status, "message": message, "status": STATUS.get(status, "UNAVAILABLE")}}


def failed(message: str) -> dict[str, Any]:
    """A 200 that holds only an error."""
    return error(503, message)


def error_frames(message: str, _number: int) -> list[bytes]:
    """A failure within a stream."""
    return [answers.data_frame(error(503, message))]


def _sealed(scene: Scene) -> list[dict[str, Any]]:
    """The parts; a seal of reasoning lies on the call that follows it, else on the text, as Gemini does it."""
    made: list[dict[str, Any]] = []
    seal = ""
    for block in scene.blocks:
        match block:
            case Think():
                made.append({"text": block.text, "thought": True})
                seal = block.seal
                continue
            case Say():
                part: dict[str, Any] = {"text": block.text}
            case Refuse():
                continue
            case Call():
                part = {"functionCall": {"name": block.name, "args": json.loads(block.arguments)}}
        if seal and (isinstance(block, Call) or not any(isinstance(one, Call) for one in scene.blocks)):
            part["thoughtSignature"] = seal
            seal = ""
        made.append(part)
    return made


def _body(parts: list[dict[str, Any]], finish: str | None, counts: dict[str, Any]) -> dict[str, Any]:
    candidate: dict[str, Any] = {"index": 0}
    if parts:
        candidate["content"] = {"role": "model", "parts": parts}
    if finish:
        candidate["finishReason"] = finish
    return {
        "candidates": [candidate],
        "usageMetadata": counts,
        "modelVersion": "provider-model",
        "responseId": ID,
    }
