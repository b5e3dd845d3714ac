"""Zhipu AI (GLM), the platform of mainland China; accounts of the international one use `https://api.z.ai/api/paas/v4`.

The output cap is `max_tokens` (docs.bigmodel.cn/cn/guide/develop/openai/introduction, read 2026-11-21).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="zhipu",
    title="Zhipu AI",
    base_url="https://open.bigmodel.cn/api/paas/v4",
    source="docs.bigmodel.cn/cn/guide/develop/openai/introduction, 2026-11-21",
    owned_by="zhipu",
    env_prefix="ZHIPU",
    abilities=Abilities(output_cap="max_tokens"),
    price_book="zhipuai",
)
