"""Moonshot AI (Kimi)."""

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
