"""Google's service accounts: a signed statement (JWT) is exchanged for an access token.

Source: developers.google.com/identity/protocols/oauth2/service-account (HTTP/REST), read 2026-11-21.
"""

import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from fastgw.dataplane.upstream.credentials.tokens import Question
from fastgw.errors import StartupError

SCOPE = "https://www.googleapis.com/auth/cloud-platform"
LIFE_S = 3_600
"""The longest that Google takes."""


class _File(msgspec.Struct):
    """The JSON file as Google makes it, as far as it is needed."""

    client_email: str
    private_key: str
    private_key_id: str = ""
    token_uri: str = "https://oauth2.googleapis.com/token"  # noqa: S105 - an address


class Account(msgspec.Struct, frozen=True):
    """A service account that can sign."""

    email: str
    key: RSAPrivateKey
    key_id: str
    token_url: str

    def __repr__(self) -> str:
        return f"Account({self.email!r})"


def account(secret: str, provider: str) -> Account:
    """From the JSON of a service account. Raises `StartupError`, which names `provider`."""
    try:
        file = msgspec.json.decode(secret, type=_File)
    except msgspec.DecodeError as error:
        raise _wrong(provider, "is no JSON of a service account: it needs client_email and private_key") from error
    if not file.token_uri.startswith(("https://", "http://")):
        raise _wrong(provider, "has a token_uri that is no URL")
    try:
        key = load_pem_private_key(file.private_key.encode("utf-8"), password=None)
    except (ValueError, TypeError) as error:
        raise _wrong(provider, "has a private_key that cannot be read") from error
    if not isinstance(key, RSAPrivateKey):
        raise _wrong(provider, "has a private_key that is not of RSA")
    return Account(file.client_email, key, file.private_key_id, file.token_uri)


def question(account: Account, now_ms: int) -> Question:
    """What is posted for a token at `now_ms`."""
    now_s = now_ms // 1_000
    claims = {
        "iss": account.email,
        "scope": SCOPE,
        "aud": account.token_url,
        "iat": now_s,
        "exp": now_s + LIFE_S,
    }
    headers = {"kid": account.key_id} if account.key_id else None
    statement = jwt.encode(claims, account.key, algorithm="RS256", headers=headers)
    return Question(
        account.token_url, {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": statement}
    )


def _wrong(provider: str, what: str) -> StartupError:
    # Whatever the parser says may quote the secret: it is not repeated.
    return StartupError(f"The secret of provider {provider} {what}. Give the file that Google Cloud made for its key.")
