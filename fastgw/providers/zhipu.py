"""Zhipu AI (GLM)."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="zhipu",
    title="Zhipu AI",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    source="docs.bigmodel.cn/cn/guide/develop/openai/introduction, 2026-11-21",
    owned_by="zhipu",
    env_prefix="ZHIPU",
    output_cap="max_tokens",
)
