"""Xiaomi MiMo. Subscriptions ("token plan") have a host of their own: set `MIMO_BASE_URL` for them.

Source: platform.xiaomimimo.com/docs/en-US/api/chat/openai-api, read 2026-11-21.
"""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="mimo",
    title="Xiaomi MiMo",
    base_url="https://api.xiaomimimo.com/v1",
    source="platform.xiaomimimo.com/docs/en-US/api/chat/openai-api, 2026-11-21",
    owned_by="xiaomi",
    env_prefix="MIMO",
)
