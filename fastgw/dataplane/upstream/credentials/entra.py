"""Microsoft's Entra ID: an application's secret is exchanged for an access token.

Source: learn.microsoft.com/entra/identity-platform/v2-oauth2-client-creds-grant-flow, read 2026-11-21.
"""

import urllib.parse

from fastgw.dataplane.upstream.credentials.tokens import Question

ISSUER = "https://login.microsoftonline.com"
SCOPE = "https://cognitiveservices.azure.com/.default"


def question(tenant: str, client_id: str, secret: str, issuer: str = ISSUER) -> Question:
    """What is posted for a token."""
    return Question(
        f"{issuer}/{urllib.parse.quote(tenant, safe='')}/oauth2/v2.0/token",
        {"grant_type": "client_credentials", "client_id": client_id, "client_secret": secret, "scope": SCOPE},
    )
