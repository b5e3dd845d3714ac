"""MiniMax."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="minimax",
    title="MiniMax",
    base_url="https://api.minimax.io/v1",
    source="platform.minimax.io/docs/api-reference/text-openai-api, 2026-11-21",
    owned_by="minimax",
    env_prefix="MINIMAX",
)
