"""Secrets that are never sent, because they sign: told from plain API keys by their form."""

import re

_AWS = re.compile(r"(?P<id>[A-Z0-9]{16,128}):(?P<secret>[^:\s]{16,256})(?::(?P<token>\S+))?")
_ENTRA = re.compile(r"(?P<tenant>[^:\s/]+):(?P<client>[0-9a-fA-F-]{36}):(?P<secret>\S+)")


def signed(signer: str, secret: str) -> bool:
    """Whether `secret` has the form that `signer` signs with; anything else is an API key that is sent as it is."""
    match signer:
        case "sigv4":
            return aws_parts(secret) is not None
        case "google":
            return secret.lstrip().startswith("{")
        case "entra":
            return entra_parts(secret) is not None
        case _:
            return False


def aws_parts(secret: str) -> tuple[str, str, str] | None:
    """Access key id, secret access key and session token ("" without) of `ID:SECRET[:TOKEN]`; None for others."""
    found = _AWS.fullmatch(secret)
    return (found["id"], found["secret"], found["token"] or "") if found else None


def entra_parts(secret: str) -> tuple[str, str, str] | None:
    """Tenant, client id and client secret of `TENANT:CLIENT:SECRET`; None for others."""
    found = _ENTRA.fullmatch(secret)
    return (found["tenant"], found["client"], found["secret"]) if found else None
