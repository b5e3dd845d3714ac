"""DeepSeek. `/v1` is an alias of the root that OpenAI's clients expect; it is no version of the models.

Source: api-docs.deepseek.com, read 2026-11-21. The output cap is `max_tokens` there, reasoning included.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="deepseek",
    title="DeepSeek",
    base_url="https://api.deepseek.com/v1",
    source="api-docs.deepseek.com, 2026-11-21",
    owned_by="deepseek",
    env_prefix="DEEPSEEK",
    price_book="deepseek",
    abilities=Abilities(output_cap="max_tokens"),
)
