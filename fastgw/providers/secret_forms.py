"""Secrets that are never sent, because they sign: told from plain API keys by their form."""

import re

import msgspec


class _Account(msgspec.Struct):
    client_email: str
    private_key: str


_account = msgspec.json.Decoder(_Account)
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


def mistake(signer: str, secret: str) -> tuple[str, str] | None:
    """What is wrong with a secret that was meant to sign, and the remedy; None if nothing is. Never quotes it."""
    match signer:
        case "sigv4" if ":" in secret and aws_parts(secret) is None:
            return "Is no access key of AWS.", "Write it as ID:SECRET or ID:SECRET:SESSION_TOKEN."
        case "entra" if ":" in secret and entra_parts(secret) is None:
            return "Is no application of Entra ID.", "Write it as TENANT:CLIENT_ID:CLIENT_SECRET."
        case "google" if signed(signer, secret):
            try:
                _account.decode(secret)
            except msgspec.DecodeError:
                return "Is no JSON of a service account.", "Give the file that Google Cloud made for its key."
    return None


def aws_parts(secret: str) -> tuple[str, str, str] | None:
    """Access key id, secret access key and session token ("" without) of `ID:SECRET[:TOKEN]`; None for others."""
    found = _AWS.fullmatch(secret)
    return (found["id"], found["secret"], found["token"] or "") if found else None


def entra_parts(secret: str) -> tuple[str, str, str] | None:
    """Tenant, client id and client secret of `TENANT:CLIENT:SECRET`; None for others."""
    found = _ENTRA.fullmatch(secret)
    return (found["tenant"], found["client"], found["secret"]) if found else None
