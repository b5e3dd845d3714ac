"""OpenAI's chat completions, as a provider speaks them."""

from typing import Any

from tests.fakes import answers
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens, pieces

ID = "chatcmpl-PROVIDER"
FINISH = {"end": "stop", "length": "length", "stop_sequence": "stop", "tools": "tool_calls", "refusal": "stop"}


def usage(tokens: Tokens) -> dict[str, Any]:
    """Cached and written tokens lie within the prompt, reasoning within the completion."""
    return {
        "prompt_tokens": tokens.taken,
        "completion_tokens": tokens.given,
        "total_tokens": tokens.taken + tokens.given,
        "prompt_tokens_details": {
            "cached_tokens": tokens.read,
            "cache_write_tokens": tokens.write + tokens.write_1h,
            "audio_tokens": 0,
        },
        "completion_tokens_details": {"reasoning_tokens": tokens.thought, "audio_tokens": 0},
    }


def unary(scene: Scene) -> dict[str, Any]:
    """The whole answer."""
    said = [block.text for block in scene.blocks if isinstance(block, Say)]
    thought = [block.text for block in scene.blocks if isinstance(block, Think)]
    refused = [block.text for block in scene.blocks if isinstance(block, Refuse)]
    calls = [_call(block) for block in scene.blocks if isinstance(block, Call)]
    message: dict[str, Any] = {"role": "assistant", "content": "".join(said) if said else None, "refusal": None}
    if thought:
        message["reasoning_content"] = "".join(thought)
    if refused:
        message["refusal"] = "".join(refused)
    if calls:
        message["tool_calls"] = calls
    choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": FINISH[scene.stop]}
    return {
        "id": ID,
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": "provider-model",
        "choices": [choice],
        "usage": usage(scene.tokens),
        "system_fingerprint": "fp_PROVIDER",
    }


def frames(scene: Scene, body: dict[str, Any]) -> list[bytes]:
    """The stream, its end mark included; usage only if it was asked for."""
    made = [_frame({"role": "assistant", "content": ""})]
    number = 0
    for block in scene.blocks:
        match block:
            case Say():
                made += [_frame({"content": part}) for part in pieces(block.text, scene)]
            case Think():
                made += [_frame({"reasoning_content": part}) for part in pieces(block.text, scene)]
            case Refuse():
                made += [_frame({"refusal": part}) for part in pieces(block.text, scene)]
            case Call():
                opened = {"index": number} | _call(block)
                opened["function"] = {"name": block.name, "arguments": ""}
                made.append(_frame({"tool_calls": [opened]}))
                for part in pieces(block.arguments, scene):
                    made.append(_frame({"tool_calls": [{"index": number, "function": {"arguments": part}}]}))
                number += 1
    made.append(_frame({}, FINISH[scene.stop]))
    if (body.get("stream_options") or {}).get("include_usage"):
        made.append(_frame(None, usage=usage(scene.tokens)))
    return [*made, answers.DONE]


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def failed(message: str) -> dict[str, Any]:
    """A 200 that holds only an error."""
    return error(500, message)


def error_frames(message: str, _number: int) -> list[bytes]:
    """A failure within a stream."""
    return [answers.error_event(message), answers.DONE]


def _call(block: Call) -> dict[str, Any]:
    return {"id": block.id, "type": "function", "function": {"name": block.name, "arguments": block.arguments}}


def _frame(delta: dict[str, Any] | None, finish: str | None = None, **more: Any) -> bytes:
    choices = [] if delta is None else [{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish}]
    frame = {
        "id": ID,
        "object": "chat.completion.chunk",
        "created": 1_767_225_600,
        "model": "provider-model",
        "system_fingerprint": "fp_PROVIDER",
        "choices": choices,
    }
    return answers.data_frame(frame | more)
