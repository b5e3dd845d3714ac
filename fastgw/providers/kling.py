"""Kling AI: video and images, no chat."""

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
