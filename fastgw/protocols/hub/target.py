"""What a translation has to know about the lane it is for: the model's name there, and what it can and cannot take.

Flags decide, never guesses: a lane without a flag is not sent what the flag stands for.
"""

from typing import Literal

import msgspec

from fastgw.protocols.hub.conversation import Effort


class Abilities(msgspec.Struct, frozen=True):
    """What a lane takes, and how it wants it. The defaults are OpenAI's own current models."""

    output_cap: Literal["max_completion_tokens", "max_tokens"] = "max_completion_tokens"
    """Chat's field for the cap of the output."""
    output_default: int = 4_096
    """Sent to a dialect that demands a cap (Anthropic) when the caller gave none."""
    output_max: int = 0
    """Larger caps are lowered to it, as a loss; 0: no bound is known."""
    stream_usage: bool = True
    """Chat: understands `stream_options.include_usage`."""
    names: bool = True
    """Chat: takes `name` of a participant on messages (Groq refuses it)."""
    developer_role: bool = True
    """Chat: knows the role `developer`; else it becomes `system`."""
    mid_system: bool = True
    """System messages may stand between others (chat; Anthropic from 2026-10-21); else they are hoisted to the top."""
    sampling: bool = True
    """Takes temperature, top_p, top_k, penalties and seed at all (new Claude and OpenAI reasoning models do not)."""
    seed: Literal["seed", "random_seed", ""] = "seed"
    """Chat's field for the seed (`random_seed` at Mistral); empty: none is taken."""
    temperature_max: float = 2.0
    """Higher ones are lowered to it, as a loss."""
    temperature_and_top_p: bool = True
    """Both at once are accepted; else temperature wins."""
    stop_max: int = 4
    """Stop sequences; 0: none at all."""
    choices: bool = True
    """Takes `n` above 1."""
    logprobs: bool = True
    """Can tell the probabilities of tokens."""
    parallel_flag: bool = True
    """Can be told not to call tools in parallel."""
    tools: bool = True
    """Can call tools."""
    forced_calls: bool = True
    """A call can be demanded (`required`, `named`); else such a choice becomes `auto`, as a loss (Claude from 5.5)."""
    tool_strict: bool = True
    """Takes `strict` on functions."""
    tool_images: bool = False
    """Images may stand in tool results as they are; else they follow in a user message (chat)."""
    custom_tools: bool = True
    """Chat and Responses: takes tools of type `custom`."""
    web_search: Literal["", "options", "tool"] = ""
    """How it searches the web itself: chat's `web_search_options`, or a tool of its dialect; empty: not at all."""
    json_schema: Literal["native", "object", "none"] = "native"
    """Structured output: by schema, only as `json_object`, or not (then a prompt hint or a forced tool stands in)."""
    image_input: bool = True
    """Sees images."""
    image_url: bool = True
    """Fetches images from URLs itself; else the gateway fetches them."""
    document_input: bool = True
    """Reads documents (PDF)."""
    document_url: bool = False
    """Fetches documents from URLs itself."""
    audio_input: bool = True
    """Hears sound."""
    video_input: bool = False
    """Sees moving pictures."""
    reasoning: Literal["none", "effort", "thinking", "enable_thinking", "level", "budget", "adaptive"] = "effort"
    """How it is told to reason. Chat: `effort` is `reasoning_effort`, `thinking` is `{"thinking":{"type"}}` (GLM, Kimi,
    MiMo, DeepSeek, Ark), `enable_thinking` is Qwen's flag with `thinking_budget`. Anthropic: `budget` is
    `enabled{budget_tokens}`, `adaptive` is `adaptive` with `output_config.effort`. Gemini: `level` or `budget`.
    `none`: it cannot reason, or cannot be told; asks are dropped."""
    efforts: tuple[Effort, ...] = ("none", "minimal", "low", "medium", "high", "xhigh")
    """Words that it knows; the nearest one is sent. Beside `thinking` they go into `reasoning_effort`; empty: it can
    only be told whether to reason, not how much."""
    budget_min: int = 1_024
    """Of reasoning tokens; smaller ones are raised to it."""
    budget_max: int = 0
    """Of reasoning tokens, 0: no bound is known."""
    reasoning_off: bool = True
    """Reasoning can be switched off."""
    echo_reasoning: Literal["", "kept", "demanded"] = ""
    """Chat: earlier `reasoning_content` is sent back: where there is one, or always (an empty text if need be)."""
    think_tags: bool = False
    """Reasoning comes as `<think>…</think>` at the start of the content and is split off."""
    cache_control: bool = False
    """Takes prompt-cache breakpoints (Anthropic; `cachePoint` on Bedrock; OpenRouter's chat)."""
    cache_key: bool = False
    """Takes `prompt_cache_key`."""
    schema_json: bool = False
    """Gemini: takes `parametersJsonSchema` and `responseJsonSchema` instead of its own subset."""
    signatures_demanded: bool = False
    """Gemini 3: calls in the history need a thought signature; a missing one is replaced by the documented dummy."""
    version: str = ""
    """Value of the version header that the lane is sent (Anthropic)."""
    model_in_body: bool = True
    """The body has the field `model`; False where only the path may name it (Claude on Vertex)."""
    lacks: tuple[str, ...] = ()
    """Chat: top-level fields that the lane answers with an error (Mistral: `user`, `service_tier`); left out, as a
    loss."""
    extra: dict[str, msgspec.Raw] = {}
    """Top-level fields of the request body that the lane wants in any case; they yield to the caller's."""


class Target(msgspec.Struct, frozen=True):
    """One lane as a translation sees it."""

    model: str
    """The provider's own name of the model."""
    dialect: str
    """Spoken there: a name of `registry.DIALECTS`."""
    vendor: str = ""
    family: str = ""
    """Who can read seals made there; see `sealed`."""
    abilities: Abilities = Abilities()


SAME = Target(model="", dialect="", abilities=Abilities(
    tool_images=True, document_url=True, video_input=True, cache_control=True, cache_key=True, echo_reasoning="kept",
    web_search="tool", schema_json=True, stop_max=1_000, temperature_max=1_000.0,
))  # fmt: skip
"""Takes everything: the lane of the identity law, with model and dialect filled in."""
