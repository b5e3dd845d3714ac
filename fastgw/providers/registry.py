"""All vendors by name, in the order in which their variables turn providers on."""

from collections.abc import Mapping
from types import MappingProxyType

from fastgw.providers import (
    anthropic,
    ark,
    azure,
    azure_deployments,
    bedrock,
    dashscope,
    deepseek,
    gemini,
    groq,
    kling,
    mimo,
    minimax,
    mistral,
    moonshot,
    ollama,
    openai,
    openai_compatible,
    openrouter,
    sandbox,
    together,
    vertex,
    vllm,
    xai,
    zhipu,
)
from fastgw.providers.vendor import Vendor

_FILES = (
    openai,
    anthropic,
    gemini,
    vertex,
    azure,
    azure_deployments,
    bedrock,
    deepseek,
    xai,
    dashscope,
    zhipu,
    minimax,
    moonshot,
    mimo,
    ark,
    kling,
    mistral,
    groq,
    openrouter,
    together,
    vllm,
    ollama,
    sandbox,
    openai_compatible,
)

VENDORS: Mapping[str, Vendor] = MappingProxyType({file.VENDOR.name: file.VENDOR for file in _FILES})
"""Every vendor that the gateway knows."""
