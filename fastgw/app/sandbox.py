"""The sandbox in the settings: they name it as a provider, and it has an address once somebody starts it."""

import msgspec

from fastgw.settings import Settings
from fastgw.settings.vendor_facts import SANDBOX

NOWHERE = "http://sandbox.invalid/v1"
"""Stands in for the address where only names matter (RFC 2606, section 2: `.invalid` never resolves)."""


def wanted(settings: Settings) -> bool:
    """Whether a sandbox has to be started: it is a provider, and nobody runs it yet."""
    return any(provider.vendor == SANDBOX and not provider.base_url for provider in settings.providers)


def placed(settings: Settings, url: str) -> Settings:
    """Settings in which the sandbox is at `url`."""
    return msgspec.structs.replace(
        settings,
        providers=tuple(
            msgspec.structs.replace(provider, base_url=url)
            if provider.vendor == SANDBOX and not provider.base_url
            else provider
            for provider in settings.providers
        ),
    )
