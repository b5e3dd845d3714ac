"""Kling AI: video and images, no chat, so that no chat model leads here.

Its credential is a pair of access key and secret key from which a token of 30 minutes is signed for each request
(app.klingai.com/global/dev/document-api, general information, read 2026-11-21); the host for servers outside of China
is `api-singapore.klingai.com`.
"""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="kling",
    title="Kling AI",
    base_url="https://api-singapore.klingai.com/v1",
    source="app.klingai.com/global/dev/document-api, 2026-11-21",
    owned_by="kling",
    env_prefix="KLING",
    endpoints={},
    models_path="",
)
