"""Anthropic's Messages, as a provider speaks them."""

import json
from typing import Any

from tests.fakes import answers
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens, pieces

ID = "msg_PROVIDER"
FINISH = {
    "end": "end_turn",
    "length": "max_tokens",
    "stop_sequence": "stop_sequence",
    "tools": "tool_use",
    "refusal": "refusal",
}
ERRORS = {400: "invalid_request_error", 401: "authentication_error", 429: "rate_limit_error", 529: "overloaded_error"}


def usage(tokens: Tokens, said: int) -> dict[str, Any]:
    """Input excludes what was cached; reasoning is not told apart."""
    return {
        "input_tokens": tokens.text,
        "cache_creation_input_tokens": tokens.write + tokens.write_1h,
        "cache_read_input_tokens": tokens.read,
        "cache_creation": {
            "ephemeral_5m_input_tokens": tokens.write,
            "ephemeral_1h_input_tokens": tokens.write_1h,
        },
        "output_tokens": said,
        "service_tier": "standard",
    }


def unary(scene: Scene) -> dict[str, Any]:
    """The whole answer."""
    return _message(usage(scene.tokens, scene.tokens.given)) | {
        "content": [_block(block) for block in scene.blocks],
        "stop_reason": FINISH[scene.stop],
        "stop_sequence": scene.sequence or None,
    }


def frames(scene: Scene, _body: dict[str, Any]) -> list[bytes]:
    """The stream, with a ping as Anthropic sends one."""
    made = [_frame("message_start", message=_message(usage(scene.tokens, 1))), _frame("ping")]
    for index, block in enumerate(scene.blocks):
        made += _framed(index, block, scene)
    delta = {"stop_reason": FINISH[scene.stop], "stop_sequence": scene.sequence or None}
    counts = {key: value for key, value in usage(scene.tokens, scene.tokens.given).items() if key.endswith("tokens")}
    return [*made, _frame("message_delta", delta=delta, usage=counts), _frame("message_stop")]


def counted(tokens: int) -> dict[str, Any]:
    """The answer of `/messages/count_tokens`."""
    return {"input_tokens": tokens}


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    told = {"type": ERRORS.get(status, "api_error"), "message": message}
    return {"type": "error", "error": told, "request_id": "req_PROVIDER"}


def failed(message: str) -> dict[str, Any]:
    """A 200 that holds only an error."""
    return error(529, message)


def error_frames(message: str, _number: int) -> list[bytes]:
    """A failure within a stream."""
    return [b"event: error\n" + answers.data_frame(error(529, message))]


def _message(counts: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": ID,
        "type": "message",
        "role": "assistant",
        "model": "provider-model",
        "content": [],
        "stop_reason": None,
        "stop_sequence": None,
        "usage": counts,
    }


def _block(block: Say | Think | Call | Refuse) -> dict[str, Any]:
    match block:
        case Say() | Refuse():
            return {"type": "text", "text": block.text}
        case Think():
            return {"type": "thinking", "thinking": block.text, "signature": block.seal}
        case Call():
            return {"type": "tool_use", "id": block.id, "name": block.name, "input": json.loads(block.arguments)}


def _framed(index: int, block: Say | Think | Call | Refuse, scene: Scene) -> list[bytes]:
    empty: dict[str, dict[str, Any]] = {
        "text": {"text": ""},
        "thinking": {"thinking": "", "signature": ""},
        "tool_use": {"input": {}},
    }
    whole = _block(block)
    made = [_frame("content_block_start", index=index, content_block=whole | empty[whole["type"]])]
    deltas: list[dict[str, Any]]
    match block:
        case Say() | Refuse():
            deltas = [{"type": "text_delta", "text": part} for part in pieces(block.text, scene)]
        case Think():
            deltas = [{"type": "thinking_delta", "thinking": part} for part in pieces(block.text, scene)]
            deltas.append({"type": "signature_delta", "signature": block.seal})
        case Call():
            # An empty first piece, as Anthropic sends it.
            parts = ["", *pieces(block.arguments, scene)]
            deltas = [{"type": "input_json_delta", "partial_json": part} for part in parts]
    made += [_frame("content_block_delta", index=index, delta=delta) for delta in deltas]
    return [*made, _frame("content_block_stop", index=index)]


def _frame(name: str, **more: Any) -> bytes:
    return b"event: " + name.encode() + b"\n" + answers.data_frame({"type": name} | more)
