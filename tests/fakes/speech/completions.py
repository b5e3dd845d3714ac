"""OpenAI's legacy completions: text only."""

from typing import Any

from tests.fakes import answers
from tests.fakes.scene import Say, Scene, pieces
from tests.fakes.speech.chat import FINISH, error, error_frames, failed, usage

FINISHES = FINISH | {"tools": "stop"}

__all__ = ["error", "error_frames", "failed", "frames", "unary"]


def unary(scene: Scene) -> dict[str, Any]:
    """The whole answer."""
    text = "".join(block.text for block in scene.blocks if isinstance(block, Say))
    return _body(text, FINISHES[scene.stop]) | {"usage": usage(scene.tokens)}


def frames(scene: Scene, body: dict[str, Any]) -> list[bytes]:
    """The stream, its end mark included; usage only if it was asked for."""
    text = "".join(block.text for block in scene.blocks if isinstance(block, Say))
    made = [answers.data_frame(_body(part, None)) for part in pieces(text, scene)]
    made.append(answers.data_frame(_body("", FINISHES[scene.stop])))
    if (body.get("stream_options") or {}).get("include_usage"):
        made.append(answers.data_frame(_body("", None) | {"choices": [], "usage": usage(scene.tokens)}))
    return [*made, answers.DONE]


def _body(text: str, finish: str | None) -> dict[str, Any]:
    choice = {"index": 0, "text": text, "logprobs": None, "finish_reason": finish}
    return {
        "id": "cmpl-PROVIDER",
        "object": "text_completion",
        "created": 1_767_225_600,
        "model": "provider-model",
        "choices": [choice],
    }
