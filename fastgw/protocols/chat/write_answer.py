"""A whole answer as a chat completion, from events of the hub."""

from collections.abc import Iterable
from typing import Any

import msgspec

from fastgw.protocols.chat import carriers, usage
from fastgw.protocols.chat.answering import CALLS, FINGERPRINT, Answering, annotations, detail, free_text, refusal_of
from fastgw.protocols.hub.dialect import Setting
from fastgw.protocols.hub.events import Event, Kind
from fastgw.protocols.hub.gather import Answer, Block, gather

_encode = msgspec.json.Encoder().encode
AUDIO_EXPIRES_S = 3_600
"""How long OpenAI keeps a spoken answer; nothing is kept here, but the field is demanded."""


def encode_answer(events: Iterable[Event], setting: Setting) -> bytes:
    """A `chat.completion` from well-formed events."""
    answer = gather(events)
    answering = Answering(setting)
    body: dict[str, Any] = {
        "id": answering.id,
        "object": "chat.completion",
        "created": setting.created_s,
        "model": setting.model,
        "choices": [_choice(index, answer, answering) for index in answer.choices],
        "usage": usage.wire(answer.usage_or_nothing),
        "system_fingerprint": FINGERPRINT,
    }
    return _encode(body)


def _choice(index: int, answer: Answer, answering: Answering) -> dict[str, Any]:
    blocks = answer.of(index)
    finish = answer.finish(index)
    called = any([block.kind in CALLS for block in blocks])
    message = _plain(blocks) or _message(blocks, answering)
    message["refusal"] = message["refusal"] or refusal_of(finish) or None
    tokens = [item for block in blocks for text in block.logprobs for item in _items(text)]
    logprobs = {"content": tokens, "refusal": None} if tokens else None
    return {
        "index": index,
        "message": message,
        "logprobs": logprobs,
        "finish_reason": answering.finish_reason(finish, called=called),
    }


def _items(text: str) -> list[msgspec.Raw]:
    return _raws.decode(text)


_raws = msgspec.json.Decoder(list[msgspec.Raw])


def _plain(blocks: list[Block]) -> dict[str, Any] | None:
    """What `_message` makes of words alone, as most answers are; None for any other answer."""
    only = blocks[0] if len(blocks) == 1 else None
    if only is None or only.kind is not Kind.TEXT or only.citations or only.seals:
        return None
    return {"role": "assistant", "content": only.text, "refusal": None, "annotations": []}


def _message(blocks: list[Block], answering: Answering) -> dict[str, Any]:
    texts = [block for block in blocks if block.kind is Kind.TEXT]
    refused = "".join(block.text for block in blocks if block.kind is Kind.REFUSAL)
    calls = [_call(block, answering) for block in blocks if block.kind in CALLS]
    content = "".join(block.text for block in texts)
    # Without calls and refusal an empty text is what was said.
    nothing = not content and bool(calls or refused)
    message: dict[str, Any] = {
        "role": "assistant", "content": None if nothing else content, "refusal": refused or None,
    }  # fmt: skip
    message |= _reasoning(blocks) | _media(blocks, answering)
    message["annotations"] = annotations(_cited(texts))
    if calls and answering.legacy:
        message["function_call"] = calls[0]["function"]
    elif calls:
        message["tool_calls"] = calls
    signed = next((block.sealed for block in reversed(texts) if block.sealed is not None), None)
    if signed is not None:
        message["extra_content"] = carriers.google(signed)
    return message


def _cited(texts: list[Block]) -> list[Any]:
    found, start = [], 0
    for block in texts:
        length = len(block.text)
        found += [(citation, start, length) for citation in block.citations]
        start += length
    return found


def _reasoning(blocks: list[Block]) -> dict[str, Any]:
    words = "".join(block.text for block in blocks if block.kind is Kind.REASONING)
    sealed = [block for block in blocks if block.kind in (Kind.REASONING, Kind.REDACTED) and block.sealed is not None]
    made: dict[str, Any] = {"reasoning_content": words} if words else {}
    if sealed:
        made["reasoning_details"] = [
            detail(block.sealed, block.text, redacted=block.kind is Kind.REDACTED, index=index)
            for index, block in enumerate(sealed)
            if block.sealed is not None
        ]
    return made


def _media(blocks: list[Block], answering: Answering) -> dict[str, Any]:
    made: dict[str, Any] = {}
    pictures = [block for block in blocks if block.kind is Kind.IMAGE]
    if pictures:
        made["images"] = [
            {
                "index": index,
                "type": "image_url",
                "image_url": {"url": f"data:{block.media_type or 'image/png'};base64,{block.text}"},
            }
            for index, block in enumerate(pictures)
        ]
    sound = next((block for block in blocks if block.kind is Kind.AUDIO), None)
    if sound is not None:
        made["audio"] = {
            "id": f"audio_{answering.setting.exchange_id}",
            "expires_at": answering.setting.created_s + AUDIO_EXPIRES_S,
            "data": sound.text,
            "transcript": "",
        }
    return made


def _call(block: Block, answering: Answering) -> dict[str, Any]:
    if answering.is_custom(block.kind, block.name) and not answering.legacy:
        text = free_text(block.text) if block.kind is Kind.TOOL_CALL else block.text
        made: dict[str, Any] = {"type": "custom", "custom": {"name": block.name, "input": text}}
    else:
        made = {"type": "function", "function": {"name": block.name, "arguments": block.text or "{}"}}
    made = {"id": answering.call_id(block.id)} | made
    if block.sealed is not None:
        made["extra_content"] = carriers.google(block.sealed)
    return made
