"""A scene in the dialect that was asked: the path says which, the path or the body whether it is a stream."""

import json
from collections.abc import Sequence
from types import ModuleType
from typing import Any

from tests.fakes import answers
from tests.fakes.answers import End, Step
from tests.fakes.scene import Scene, Trouble
from tests.fakes.speech import chat, completions, gemini, messages, responses

DIALECTS: dict[str, ModuleType] = {
    "chat": chat,
    "completions": completions,
    "responses": responses,
    "messages": messages,
    "gemini": gemini,
}
COUNTED = 17
"""What the endpoints that count tokens answer."""
_ENDS = {
    "/chat/completions": "chat",
    "/completions": "completions",
    "/responses": "responses",
    "/responses/input_tokens": "responses",
    "/messages": "messages",
    "/messages/count_tokens": "messages",
    ":generateContent": "gemini",
    ":streamGenerateContent": "gemini",
    ":countTokens": "gemini",
}


def dialect_of(target: str) -> str:
    """The dialect that a request's path belongs to. Raises `AssertionError` for a path that no provider has."""
    path = target.partition("?")[0]
    # The longest end first: `/chat/completions` ends like `/completions`.
    for end in sorted(_ENDS, key=len, reverse=True):
        if path.endswith(end):
            return _ENDS[end]
    raise AssertionError(f"no provider has {path}")


def counts(target: str) -> bool:
    """Whether a request asks to count tokens only."""
    return target.partition("?")[0].endswith(("/input_tokens", "/count_tokens", ":countTokens"))


def streams(target: str, body: dict[str, Any]) -> bool:
    """Whether a request asks for a stream."""
    return ":streamGenerateContent" in target or body.get("stream") is True


def answer(scene: Scene | Trouble, target: str, body: dict[str, Any]) -> tuple[Step, ...]:
    """The steps that play a scene for one request."""
    speech = DIALECTS[dialect_of(target)]
    if isinstance(scene, Trouble):
        return answers.unary(speech.error(scene.status, scene.message), scene.status)
    if counts(target):
        return answers.unary(speech.counted(COUNTED))
    if not streams(target, body):
        return _unary(speech, scene)
    if speech is gemini and "alt=sse" not in target:
        return answers.unary([json.loads(frame[6:]) for frame in gemini.frames(scene, body)])
    frames: Sequence[bytes] = speech.frames(scene, body)
    if not scene.fails:
        return answers.sse(frames)
    begun = frames[: len(frames) // 2]
    last: tuple[Step, ...] = (End.CLOSE,)
    if scene.fails == "error":
        failing = speech.error_frames("The fake provider fails.", len(begun))
        last = (*(answers.piece(frame) for frame in failing), answers.LAST_PIECE)
    # The events have to be taken before the end comes: one that nobody saw may be tried elsewhere.
    return (*answers.sse(begun, end=End.CLOSE)[:-1], scene.gate or 0.1, *last)


def _unary(speech: ModuleType, scene: Scene) -> tuple[Step, ...]:
    if scene.fails == "error":
        return answers.unary(speech.failed("The fake provider fails."))
    body = json.dumps(speech.unary(scene)).encode()
    if scene.fails == "cut":
        head = answers.head(200, (answers.JSON,), length=len(body))
        return (head + body[: len(body) // 2], 0.02, End.CLOSE)
    return answers.whole(body)
