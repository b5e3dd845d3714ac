"""Any server that speaks OpenAI's chat completions: vLLM, llama.cpp, Ollama, another gateway."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="openai_compatible",
    title="OpenAI-compatible server",
    base_url="",
    source="github.com/openai/openai-openapi, 2026-11-21",
    needs_credential=False,
)
