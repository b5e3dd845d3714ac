"""All vendors by name, in the order in which their variables turn providers on."""

from collections.abc import Mapping
from types import MappingProxyType

from fastgw.providers import (
    anthropic,
    ark,
    dashscope,
    deepseek,
    gemini,
    kling,
    mimo,
    minimax,
    moonshot,
    openai,
    openai_compatible,
    openrouter,
    sandbox,
    xai,
    zhipu,
)
from fastgw.providers.vendor import Vendor

_FILES = (
    openai,
    anthropic,
    gemini,
    deepseek,
    xai,
    dashscope,
    zhipu,
    minimax,
    moonshot,
    mimo,
    ark,
    kling,
    openrouter,
    sandbox,
    openai_compatible,
)

VENDORS: Mapping[str, Vendor] = MappingProxyType({file.VENDOR.name: file.VENDOR for file in _FILES})
"""Every vendor that the gateway knows."""
