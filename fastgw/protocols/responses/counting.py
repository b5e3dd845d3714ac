"""`POST /v1/responses/input_tokens`: how many tokens a question has."""

import msgspec

_encode = msgspec.json.Encoder().encode


def render(input_tokens: int) -> bytes:
    """The answer."""
    return _encode({"object": "response.input_tokens", "input_tokens": input_tokens})
