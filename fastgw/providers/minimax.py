"""MiniMax, the international platform; accounts of mainland China use `https://api.minimaxi.com/v1`.

`max_tokens` is deprecated there in favour of `max_completion_tokens`
(platform.minimax.io/docs/api-reference/text-openai-api, read 2026-11-21).
"""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="minimax",
    title="MiniMax",
    base_url="https://api.minimax.io/v1",
    source="platform.minimax.io/docs/api-reference/text-openai-api, 2026-11-21",
    owned_by="minimax",
    env_prefix="MINIMAX",
    price_book="minimax",
)
