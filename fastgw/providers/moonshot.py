"""Moonshot AI (Kimi), the international platform; accounts of mainland China use `https://api.moonshot.cn/v1`.

Source: platform.kimi.ai/docs/api/overview, read 2026-11-21.
"""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="moonshot",
    title="Moonshot AI",
    base_url="https://api.moonshot.ai/v1",
    source="platform.kimi.ai/docs/api/overview, 2026-11-21",
    owned_by="moonshot",
    env_prefix="MOONSHOT",
    price_book="moonshotai",
)
