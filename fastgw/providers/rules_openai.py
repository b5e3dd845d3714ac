"""What the models of OpenAI take, at OpenAI and on Azure.

Unknown names count as the newest: GPT-6 (reasoning that cannot be switched off, no sampling, tools only in Responses).
Sources, all read 2026-11-21: developers.openai.com/api/docs/guides/deployment-checklist and the GPT-6 migration guide
(sampling and log probabilities only with effort `none`; tools with reasoning need Responses), the model pages for the
efforts, platform.openai.com/docs/api-reference/chat
(`stop` not with reasoning models from o3 on, nor `logit_bias`; unknown fields are an error).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Rule

ABILITIES = Abilities(
    sampling=False,
    stop_max=0,
    logprobs=False,
    choices=False,
    tool_images=True,
    document_url=True,
    audio_input=False,
    web_search="tool",
    efforts=("low", "medium", "high", "xhigh"),
    reasoning_off=False,
    cache_key=True,
    lacks=("top_k", "logit_bias"),
)

_NONE = {"reasoning_off": True}
_NO_REASONING = {"reasoning": "none", "sampling": True, "stop_max": 4}

RULES = (
    Rule("*", speaks=("responses", "chat", "compact")),
    Rule("*", {"choices": True, "tool_images": False, "document_url": False, "web_search": ""}, dialect="chat"),
    Rule("gpt-6.1*|gpt-6.2*|gpt-6-astra*", {"efforts": (*ABILITIES.efforts, "max")}, dialect="responses"),
    Rule("gpt-6-sol*|gpt-6-luna*", _NONE | {"efforts": ("none", "low", "medium", "high", "xhigh", "max")}),
    Rule("gpt-5.2*|gpt-5.3*|gpt-5.4*|gpt-5.5*|gpt-5.6*", _NONE | {"efforts": ("none", *ABILITIES.efforts)}),
    Rule("gpt-5.1*", _NONE | {"efforts": ("none", "low", "medium", "high")}),
    Rule("gpt-5|gpt-5-*", {"efforts": ("minimal", "low", "medium", "high")}),
    Rule("gpt-5-pro*", {"efforts": ("high",)}),
    Rule("*codex*", {"reasoning_off": False, "efforts": ABILITIES.efforts}),
    Rule("o1*|o3*|o4*", {"efforts": ("low", "medium", "high"), "custom_tools": False}),
    Rule("o1*", {"stop_max": 4}),
    Rule(
        "gpt-3*|gpt-4*|chatgpt-4*|gpt-audio*|ft:gpt-*|gpt-5-chat*",
        _NO_REASONING | {"logprobs": True, "custom_tools": False, "lacks": ("top_k",)},
    ),
    Rule("*audio*", {"audio_input": True}),
    Rule("*search-preview*|*search-api*", {"web_search": "options"}, dialect="chat"),
    Rule("*audio*|*search-preview*|*search-api*", speaks=("chat",)),
    Rule("*-pro|*-pro-*|*codex*|*deep-research*|computer-use*", speaks=("responses", "compact")),
    Rule("*-instruct*|davinci*|babbage*|text-davinci*", _NO_REASONING, speaks=("completions",)),
)
