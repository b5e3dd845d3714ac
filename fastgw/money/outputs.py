"""The most that models give and take, in tokens: what the package of prices does not say. Read by `book_build` alone.

By book and beginning of the model's name in lower case; the longest that fits counts. Where a vendor's pages differ or
say a round "128K", the least stands here: a cap that is too low cuts an answer of uncommon length, one that is too high
is refused by the provider. Mistral, xAI and Alibaba name no limit but the context, so theirs are unknown. Sources, as
of 2026-11:

- platform.claude.com/docs/en/about-claude/models (128K from Opus 4.6 and the fifth generation on, 64K for 4.5);
- developers.openai.com/api/docs/models (128,000 for the reasoning models of GPT-5, 16,384 for those named chat,
  100,000 for the o series; for GPT-6 only that it is not less than GPT-5);
- ai.google.dev/gemini-api/docs/models (65,536; Vertex AI: 65,535; Gemini 4 without a stream: 32,768);
- api-docs.deepseek.com/quick_start/pricing (384K for V4); docs.z.ai/guides/llm (128K from GLM 4.7 on, 96K for 4.5);
- platform.kimi.ai/docs (K2 gives 32,768 by default; K3 shares its context, of which an eighth is taken here);
- console.groq.com/docs/models.
"""

from collections.abc import Mapping

OUTPUTS: dict[str, Mapping[str, int]] = {
    "anthropic": {
        "claude-3-": 4_096,
        "claude-3-5-": 8_192,
        "claude-3-7-": 64_000,
        "claude-opus-4": 32_000,
        "claude-opus-4-5": 64_000,
        "claude-opus-4-6": 128_000,
        "claude-opus-4-7": 128_000,
        "claude-opus-4-8": 128_000,
        "claude-sonnet-4": 64_000,
        "claude-haiku-4": 64_000,
        "claude-opus-5": 128_000,
        "claude-sonnet-5": 128_000,
        "claude-haiku-5": 128_000,
        "claude-fable-5": 128_000,
    },
    "openai": {
        "gpt-3.5-turbo": 4_096,
        "gpt-4": 4_096,
        "gpt-4.1": 32_768,
        "gpt-4.5": 16_384,
        "gpt-4o": 16_384,
        "gpt-4o-2024-05-13": 4_096,
        "gpt-4o-realtime": 4_096,
        "gpt-4o-mini-realtime": 4_096,
        "chatgpt-4o": 16_384,
        "gpt-audio": 16_384,
        "gpt-realtime": 4_096,
        "gpt-chat": 16_384,
        "gpt-5": 128_000,
        "gpt-5-chat": 16_384,
        "gpt-5-search": 16_384,
        "gpt-5.1-chat": 16_384,
        "gpt-5.2-chat": 16_384,
        "gpt-5.3-chat": 16_384,
        "gpt-5.4-chat": 16_384,
        "gpt-5.5-chat": 16_384,
        "gpt-6": 128_000,
        "gpt-oss": 32_768,
        "o1": 100_000,
        "o1-mini": 65_536,
        "o1-preview": 32_768,
        "o3": 100_000,
        "o4": 100_000,
        "codex-mini": 100_000,
        "computer-use": 1_024,
    },
    "google": {
        "gemini-1.0": 2_048,
        "gemini-1.5": 8_192,
        "gemini-flash-1.5": 8_192,
        "gemini-pro-1.5": 8_192,
        "gemini-2.0": 8_192,
        "gemini-2.5-": 65_535,
        "gemini-2.5-flash-image": 32_768,
        "gemini-2.5-flash-tts": 8_192,
        "gemini-2.5-flash-preview-tts": 8_192,
        "gemini-2.5-flash-lite-preview-tts": 8_192,
        "gemini-2.5-flash-native-audio": 8_192,
        "gemini-2.5-pro-tts": 8_192,
        "gemini-2.5-pro-preview-tts": 8_192,
        "gemini-3-": 65_535,
        "gemini-3-pro-image": 32_768,
        "gemini-3.1-": 65_535,
        "gemini-3.1-flash-image": 32_768,
        "gemini-3.1-flash-lite-image": 32_768,
        "gemini-3.1-flash-live": 8_192,
        "gemini-3.1-flash-tts": 8_192,
        "gemini-3.5-": 65_535,
        "gemini-3.6-": 65_535,
        "gemini-3.7-": 65_535,
        "gemini-3.8-": 65_535,
        "gemini-3.8-live": 8_192,
        "gemini-3.8-flash-tts": 8_192,
        "gemini-3.8-flash-lite-tts": 8_192,
        "gemini-4-": 32_768,
        "gemini-flash-latest": 65_535,
        "gemini-flash-lite-latest": 65_535,
        "gemini-pro-latest": 32_768,
        "gemma-": 8_192,
    },
    "deepseek": {
        "deepseek-chat": 8_192,
        "deepseek-reasoner": 32_768,
        "deepseek-v3": 8_192,
        "deepseek-v4": 384_000,
        "deepseek-flash": 384_000,
    },
    "zhipuai": {
        "glm-4-": 4_095,
        "glm-4.5": 96_000,
        "glm-4.7": 128_000,
        "glm-5": 128_000,
    },
    "moonshotai": {
        "kimi-k2": 32_768,
        "kimi-k3": 131_072,
    },
    "groq": {
        "llama-3.1-8b-instant": 131_072,
        "llama-3.3-70b-versatile": 32_768,
        "meta-llama/llama-4-": 8_192,
        "moonshotai/kimi-k2": 16_384,
        "openai/gpt-oss": 65_536,
        "qwen/qwen3-32b": 40_960,
    },
}
OUTPUTS["vertex"] = {**OUTPUTS["google"], **OUTPUTS["anthropic"]}

CONTEXTS_UNSURE: dict[str, frozenset[str]] = {
    "anthropic": frozenset({"claude-sonnet-4-0"}),
    "deepseek": frozenset({"deepseek-chat", "deepseek-reasoner"}),
}
"""Models that may take more than the package says, so that it is better to know nothing: a million with a beta header;
names that mean another model now (api-docs.deepseek.com, change log, 2026-04)."""
