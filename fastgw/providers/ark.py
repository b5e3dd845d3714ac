"""ByteDance Volcengine Ark (Doubao, Seed).

Sources: www.volcengine.com/docs/82379 ("Chat API", "Responses API", "Deep thinking"), read 2026-11-21: reasoning is
switched by `thinking`, its depth by `reasoning_effort`; videos may be given by URL.
"""

from fastgw.protocols.hub.target import Abilities
from fastgw.providers.endpoint import CHAT, RESPONSES
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="ark",
    title="ByteDance Ark",
    base_url="https://ark.cn-beijing.volces.com/api/v3",
    source="www.volcengine.com/docs/82379, 2026-11-21",
    owned_by="bytedance",
    env_prefix="ARK",
    endpoints={"chat": CHAT, "responses": RESPONSES},
    abilities=Abilities(
        developer_role=False,
        choices=False,
        tool_strict=False,
        custom_tools=False,
        document_input=False,
        audio_input=False,
        video_input=True,
        reasoning="thinking",
        efforts=("minimal", "low", "medium", "high"),
        echo_reasoning="kept",
    ),
    rules=(
        Rule("doubao-1-5*|doubao-lite*|doubao-pro*", {"reasoning": "none", "efforts": ()}),
        Rule("deepseek*|kimi*|glm*", {"efforts": (), "image_input": False, "video_input": False}),
    ),
)
