"""Azure OpenAI, version 1 of its API, where the name of a deployment stands in `model`.

A secret is a key, or `TENANT:CLIENT:SECRET` of an application in Entra ID. The list of models there has all that could
be deployed, not what is, so it is not asked for. Rules go by the names of models: call deployments like them, or say
`abilities` (learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle, read 2026-11-21).
"""

from fastgw.providers.endpoint import CHAT, COMPACT, COMPLETIONS, RESPONSES
from fastgw.providers.rules_openai import ABILITIES, RULES
from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="azure",
    title="Azure OpenAI",
    base_url="https://{resource}.openai.azure.com/openai/v1",
    source="learn.microsoft.com/azure/ai-foundry/openai/api-version-lifecycle, 2026-11-21",
    owned_by="azure",
    env_prefix="AZURE_OPENAI",
    credential="api-key",
    signer="entra",
    endpoints={"responses": RESPONSES, "chat": CHAT, "completions": COMPLETIONS, "compact": COMPACT},
    abilities=ABILITIES,
    rules=RULES,
    models_path="",
)
