"""Why an answer ended: Google's words for the hub's, and the other way. Both ways are total."""

from fastgw.protocols.hub.events import StopReason

_REASONS = {
    "STOP": StopReason.END,
    "MAX_TOKENS": StopReason.LENGTH,
    "SAFETY": StopReason.REFUSAL,
    "RECITATION": StopReason.REFUSAL,
    "BLOCKLIST": StopReason.REFUSAL,
    "PROHIBITED_CONTENT": StopReason.REFUSAL,
    "SPII": StopReason.REFUSAL,
    "MODEL_ARMOR": StopReason.REFUSAL,
    "IMAGE_SAFETY": StopReason.REFUSAL,
    "IMAGE_PROHIBITED_CONTENT": StopReason.REFUSAL,
    "IMAGE_RECITATION": StopReason.REFUSAL,
    "MALFORMED_FUNCTION_CALL": StopReason.MALFORMED_CALL,
    "UNEXPECTED_TOOL_CALL": StopReason.MALFORMED_CALL,
    "MALFORMED_RESPONSE": StopReason.MALFORMED_CALL,
    "MISSING_THOUGHT_SIGNATURE": StopReason.MALFORMED_CALL,
    "CONTINUATION": StopReason.PAUSE,
}
"""The rest (LANGUAGE, OTHER, NO_IMAGE, IMAGE_OTHER, TOO_MANY_TOOL_CALLS, …) is an end:
nothing says that a filter was at work."""

_WORDS = {
    StopReason.END: "STOP",
    StopReason.LENGTH: "MAX_TOKENS",
    StopReason.CONTEXT_FULL: "MAX_TOKENS",
    StopReason.STOP_SEQUENCE: "STOP",
    StopReason.TOOLS: "STOP",
    StopReason.REFUSAL: "SAFETY",
    # CONTINUATION would make google-genai ask again at once, with a token that nobody gave it.
    StopReason.PAUSE: "STOP",
    StopReason.MALFORMED_CALL: "MALFORMED_FUNCTION_CALL",
}


def reason_of(word: str) -> StopReason:
    """The hub's reason for a `finishReason`; an unknown one is an ordinary end."""
    return _REASONS.get(word, StopReason.END)


def word_of(reason: StopReason) -> str:
    """The `finishReason` for a reason."""
    return _WORDS[reason]
