"""One signer for each credential that is never sent itself."""

from collections.abc import Callable
from typing import Protocol

from fastgw import clock
from fastgw.dataplane.upstream.credentials.sigv4 import SigV4
from fastgw.dataplane.upstream.transport import Request
from fastgw.providers import VENDORS
from fastgw.providers.secret_forms import aws_parts, entra_parts
from fastgw.settings.values import ProviderSettings, Settings


class Signer(Protocol):
    """Completes the credential of a request."""

    async def sign(self, request: Request) -> Request:
        """The request with its credential. Raises `TransportError` when none can be had."""


def signers(settings: Settings, now_ms: Callable[[], int] = clock.wall_ms) -> dict[str, Signer]:
    """By `provider/label of the credential`. Raises `StartupError` for a secret that cannot sign."""
    return {
        f"{provider.name}/{one.label}": _signer(VENDORS[provider.vendor].signer, one.secret, provider, now_ms)
        for provider in settings.providers
        for one in provider.credentials
        if VENDORS[provider.vendor].signs(one.secret)
    }


def _signer(kind: str, secret: str, provider: ProviderSettings, now_ms: Callable[[], int]) -> Signer:
    if kind == "sigv4":
        parts = aws_parts(secret)
        assert parts is not None, "the vendor has looked at its form"
        return SigV4(*parts, region=provider.region, service="bedrock", now_ms=now_ms)
    # Only whoever has such a credential pays for importing an HTTP client and cryptography: 20 MB.
    from fastgw.dataplane.upstream.credentials import entra, google  # noqa: PLC0415
    from fastgw.dataplane.upstream.credentials.tokens import Bearer, Tokens  # noqa: PLC0415

    if kind == "google":
        account = google.account(secret, provider.name)
        return Bearer(Tokens(lambda: google.question(account, now_ms()), provider.proxy, now_ms))
    application = entra_parts(secret)
    assert application is not None, "the vendor has looked at its form"
    return Bearer(Tokens(lambda: entra.question(*application), provider.proxy, now_ms))
