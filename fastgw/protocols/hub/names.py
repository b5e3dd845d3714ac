"""What callers call a setting, so that an encoder can name a loss by the caller's own field."""

from fastgw.protocols.hub.conversation import Conversation, Tool

_FIELDS: dict[str, dict[str, str]] = {
    "chat": {
        "output_cap": "max_completion_tokens",
        "thinking": "reasoning_effort",
        "format": "response_format",
        "parallel_calls": "parallel_tool_calls",
        "cache_key": "prompt_cache_key",
    },
    "responses": {
        "citations": "annotations",
        "output_cap": "max_output_tokens",
        "thinking": "reasoning",
        "format": "text.format",
        "verbosity": "text.verbosity",
        "parallel_calls": "parallel_tool_calls",
        "cache_key": "prompt_cache_key",
        "logprobs": "include",
        "turns": "input",
    },
    "messages": {
        "output_cap": "max_tokens",
        "stop": "stop_sequences",
        "format": "output_config.format",
        "parallel_calls": "tool_choice.disable_parallel_tool_use",
        "user": "metadata.user_id",
        "filename": "title",
    },
    "gemini": {
        "output_cap": "generationConfig.maxOutputTokens",
        "temperature": "generationConfig.temperature",
        "top_p": "generationConfig.topP",
        "top_k": "generationConfig.topK",
        "seed": "generationConfig.seed",
        "frequency_penalty": "generationConfig.frequencyPenalty",
        "presence_penalty": "generationConfig.presencePenalty",
        "stop": "generationConfig.stopSequences",
        "n": "generationConfig.candidateCount",
        "logprobs": "generationConfig.responseLogprobs",
        "top_logprobs": "generationConfig.logprobs",
        "thinking": "generationConfig.thinkingConfig",
        "format": "generationConfig.responseSchema",
        "tool_choice": "toolConfig.functionCallingConfig",
        "service_tier": "serviceTier",
        "filename": "displayName",
        "turns": "contents",
    },
}
_FIELDS["completions"] = {"output_cap": "max_tokens", "turns": "prompt"}


def field_of(origin: str, setting: str) -> str:
    """The name, in the dialect `origin`, of a field of `Conversation`, `Sampling` or, as `turns`, of its history, or of
    a document's `filename`, or a text's `citations`.

    A setting that a dialect calls as the hub does, or does not have, keeps the hub's name; `turns` is `messages` then.
    """
    named = _FIELDS.get(origin, {}).get(setting)
    return named or ("messages" if setting == "turns" else setting)


def user_of(conversation: Conversation) -> str:
    """The caller's field with the end user."""
    return conversation.user_field or field_of(conversation.origin, "user")


def thinking_of(conversation: Conversation) -> str:
    """The caller's field with how much to reason: Anthropic has one for whether, and one for how much."""
    said = conversation.thinking
    if conversation.origin == "messages" and said is not None and said.effort is not None and said.mode != "on":
        return "output_config.effort"
    return field_of(conversation.origin, "thinking")


def tool_of(tool: Tool, number: int) -> str:
    """The caller's place of the tool that has `number` in `Conversation.tools`."""
    return tool.path or f"tools[{number}]"


def format_of(conversation: Conversation) -> str:
    """The caller's name for the form of the answer: Google has three fields for it."""
    form = conversation.format
    if conversation.origin != "gemini" or form is None:
        return field_of(conversation.origin, "format")
    if form.kind != "json_schema":
        return "generationConfig.responseMimeType"
    return "generationConfig." + ("responseSchema" if form.raw else "responseJsonSchema")
