"""Azure OpenAI before version 1 of its API: the path names the deployment, each request a version of the API.

Needs `api_version`, like `2024-10-21` (learn.microsoft.com/azure/ai-foundry/openai/reference, read 2026-11-21).
"""

from fastgw.providers.azure import VENDOR as AZURE
from fastgw.providers.endpoint import Endpoint
from fastgw.providers.vendor import Rule, Vendor

VENDOR = Vendor(
    name="azure_deployments",
    title="Azure OpenAI, deployments",
    base_url="https://{resource}.openai.azure.com/openai",
    source="learn.microsoft.com/azure/ai-foundry/openai/reference, 2026-11-21",
    owned_by="azure",
    credential="api-key",
    signer="entra",
    endpoints={
        "chat": Endpoint("/deployments/{model}/chat/completions?api-version={api_version}"),
        "completions": Endpoint("/deployments/{model}/completions?api-version={api_version}"),
    },
    family="azure",
    abilities=AZURE.abilities,
    rules=(*(rule for rule in AZURE.rules if not rule.speaks), Rule("*", speaks=("chat",))),
    models_path="",
)
