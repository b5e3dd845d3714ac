"""ByteDance Volcengine Ark (Doubao, Seed)."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="ark",
    title="ByteDance Ark",
    base_url="https://ark.cn-beijing.volces.com/api/v3",
    source="www.volcengine.com/docs/82379, 2026-11-21",
    owned_by="bytedance",
    env_prefix="ARK",
)
