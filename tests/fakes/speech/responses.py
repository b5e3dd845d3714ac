"""OpenAI's Responses, as a provider speaks them."""

from typing import Any

from tests.fakes import answers
from tests.fakes.scene import Call, Refuse, Say, Scene, Think, Tokens, pieces

ID = "resp_PROVIDER"
COUNTS = ("input_tokens", "output_tokens", "total_tokens")


def usage(tokens: Tokens) -> dict[str, Any]:
    """Cached and written tokens lie within the input, reasoning within the output."""
    return {
        "input_tokens": tokens.taken,
        "input_tokens_details": {"cached_tokens": tokens.read, "cache_write_tokens": tokens.write + tokens.write_1h},
        "output_tokens": tokens.given,
        "output_tokens_details": {"reasoning_tokens": tokens.thought},
        "total_tokens": tokens.taken + tokens.given,
    }


def unary(scene: Scene) -> dict[str, Any]:
    """The whole answer."""
    items = [_item(index, block) for index, block in enumerate(scene.blocks)]
    return _response("incomplete" if scene.stop == "length" else "completed", items, scene)


def frames(scene: Scene, _body: dict[str, Any]) -> list[bytes]:
    """The stream."""
    events: list[dict[str, Any]] = [
        {"type": "response.created", "response": _response("in_progress", [], None)},
        {"type": "response.in_progress", "response": _response("in_progress", [], None)},
    ]
    for index, block in enumerate(scene.blocks):
        events += _events(index, block, scene)
    whole = unary(scene)
    events.append({"type": f"response.{whole['status']}", "response": whole})
    return [_frame(event | {"sequence_number": number}) for number, event in enumerate(events)]


def counted(tokens: int) -> dict[str, Any]:
    """The answer of `/responses/input_tokens`."""
    return {"object": "response.input_tokens", "input_tokens": tokens}


def error(status: int, message: str) -> dict[str, Any]:
    """The body of an error."""
    kind = "server_error" if status >= 500 else "invalid_request_error"
    return {"error": {"message": message, "type": kind, "param": None, "code": None}}


def failed(message: str) -> dict[str, Any]:
    """A 200 whose status says that it failed."""
    return _response("failed", [], None) | {"error": {"code": "server_error", "message": message}}


def error_frames(message: str, number: int) -> list[bytes]:
    """A failure within a stream."""
    return [_frame({"type": "response.failed", "response": failed(message), "sequence_number": number})]


def _response(status: str, items: list[dict[str, Any]], scene: Scene | None) -> dict[str, Any]:
    return {
        "id": ID,
        "object": "response",
        "created_at": 1_767_225_600,
        "completed_at": 1_767_225_601 if status == "completed" else None,
        "status": status,
        "background": False,
        "error": None,
        "incomplete_details": {"reason": "max_output_tokens"} if status == "incomplete" else None,
        "instructions": None,
        "max_output_tokens": None,
        "metadata": {},
        "model": "provider-model",
        "output": items,
        "parallel_tool_calls": True,
        "previous_response_id": None,
        "reasoning": {"effort": None, "summary": None},
        "store": False,
        "temperature": 1.0,
        "text": {"format": {"type": "text"}},
        "tool_choice": "auto",
        "tools": [],
        "top_p": 1.0,
        "truncation": "disabled",
        "usage": usage(scene.tokens) if scene else None,
    }


def _item(index: int, block: Say | Think | Call | Refuse) -> dict[str, Any]:
    match block:
        case Say():
            return _message(index, {"type": "output_text", "text": block.text, "annotations": [], "logprobs": []})
        case Refuse():
            return _message(index, {"type": "refusal", "refusal": block.text})
        case Think():
            summary = [{"type": "summary_text", "text": block.text}]
            item: dict[str, Any] = {"id": f"rs_PROVIDER{index}", "type": "reasoning", "summary": summary}
            return item | ({"encrypted_content": block.seal} if block.seal else {})
        case Call():
            named = {"call_id": block.id, "name": block.name, "arguments": block.arguments}
            return {"id": f"fc_PROVIDER{index}", "type": "function_call", "status": "completed"} | named


def _message(index: int, part: dict[str, Any]) -> dict[str, Any]:
    head = {"id": f"msg_PROVIDER{index}", "type": "message", "status": "completed", "role": "assistant"}
    return head | {"content": [part]}


def _events(index: int, block: Say | Think | Call | Refuse, scene: Scene) -> list[dict[str, Any]]:
    item = _item(index, block)
    here: dict[str, Any] = {"item_id": item["id"], "output_index": index}
    opened = dict(item)
    match block:
        case Say() | Refuse():
            part = item["content"][0]
            kind, slot = ("output_text", "text") if isinstance(block, Say) else ("refusal", "refusal")
            opened |= {"status": "in_progress", "content": []}
            inner = _filled(here | {"content_index": 0}, "content_part", part, slot, f"response.{kind}", scene)
        case Think():
            opened["summary"] = []
            part = item["summary"][0]
            name = "response.reasoning_summary_text"
            inner = _filled(here | {"summary_index": 0}, "reasoning_summary_part", part, "text", name, scene)
        case Call():
            opened |= {"status": "in_progress", "arguments": ""}
            name = "response.function_call_arguments"
            inner = [here | {"type": f"{name}.delta", "delta": part} for part in pieces(block.arguments, scene)]
            inner.append(here | {"type": f"{name}.done", "name": block.name, "arguments": block.arguments})
    added = {"type": "response.output_item.added", "output_index": index, "item": opened}
    return [added, *inner, {"type": "response.output_item.done", "output_index": index, "item": item}]


def _filled(
    here: dict[str, Any], room: str, part: dict[str, Any], slot: str, name: str, scene: Scene
) -> list[dict[str, Any]]:
    """The events of a part: added, its text in pieces and whole, done."""
    more: dict[str, Any] = {"logprobs": []} if name == "response.output_text" else {}
    text = part[slot]
    return [
        here | {"type": f"response.{room}.added", "part": part | {slot: ""}},
        *(here | {"type": f"{name}.delta", "delta": one} | more for one in pieces(text, scene)),
        here | {"type": f"{name}.done", slot: text} | more,
        here | {"type": f"response.{room}.done", "part": part},
    ]


def _frame(event: dict[str, Any]) -> bytes:
    name: str = event["type"]
    return b"event: " + name.encode() + b"\n" + answers.data_frame(event)
