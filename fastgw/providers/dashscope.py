"""Alibaba Cloud DashScope (Qwen), through its OpenAI-compatible mode in mainland China.

Accounts of other regions use `https://dashscope-intl.aliyuncs.com/compatible-mode/v1` (Singapore) or
`https://dashscope-us.aliyuncs.com/compatible-mode/v1` (Virginia). A stream carries usage only when `stream_options`
asks for it (alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope, read 2026-11-21).
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="dashscope",
    title="Alibaba DashScope",
    base_url="https://dashscope.aliyuncs.com/compatible-mode/v1",
    source="alibabacloud.com/help/en/model-studio/compatibility-of-openai-with-dashscope, 2026-11-21",
    owned_by="qwen",
    env_prefix="DASHSCOPE",
    abilities=Abilities(output_cap="max_tokens"),
)
