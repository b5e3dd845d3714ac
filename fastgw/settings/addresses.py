"""Where a provider is: its base URL, or the vendor's with the operator's region, project and resource filled in."""

import re
from collections.abc import Iterator, Mapping

import msgspec

from fastgw.settings.mistakes import did_you_mean
from fastgw.settings.vendor_facts import SANDBOX, VendorFacts

_PART = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,62}")
"""Of a host name or of a path; no more than the vendors' own rules allow, so that a typing error stays in its place."""
GLOBAL = "global"


class Address(msgspec.Struct, frozen=True):
    """What an operator said of the place; empty where nothing was said."""

    base_url: str = ""
    region: str = ""
    project: str = ""
    resource: str = ""

    def over(self, other: "Address") -> "Address":
        """What is said here, and of `other` what is not."""
        return Address(*(mine or its for mine, its in zip(*map(msgspec.structs.astuple, (self, other)), strict=True)))


def variables_of(vendor: VendorFacts, environ: Mapping[str, str]) -> Address:
    """What the vendor's variables say: `X_BASE_URL`, `X_REGION`, `X_PROJECT`, `X_RESOURCE`."""
    if vendor.name == SANDBOX:
        return Address(environ.get("FASTGW_SANDBOX_URL", ""))
    if not vendor.env_prefix:
        return Address()
    url = environ.get(f"{vendor.env_prefix}_BASE_URL", "").strip()
    template = _template(vendor, "") + "".join(vendor.regions.values())
    region, project, resource = (
        environ.get(f"{vendor.env_prefix}_{name.upper()}", "").strip()
        if f"{{{name}}}" in template or (name == "region" and vendor.regions)
        else ""
        for name in ("region", "project", "resource")
    )
    return Address(url, region, project, resource)


def base_url_of(vendor: VendorFacts, address: Address) -> str:
    """The base URL without a trailing slash; "" if the vendor has none and nobody gave one.

    What is `missing` stays as its placeholder.
    """
    if address.base_url:
        return address.base_url.rstrip("/")
    url = _template(vendor, address.region)
    for name in ("region", "project", "resource"):
        url = url.replace(f"{{{name}}}", getattr(address, name) or f"{{{name}}}")
    return url


def missing(vendor: VendorFacts, address: Address) -> Iterator[tuple[str, str, str]]:
    """The key, what is wrong with it, and the remedy: for each part that is not given, unknown or no name."""
    template = _template(vendor, address.region)
    for key in ("region", "project", "resource"):
        value = getattr(address, key)
        wanted = f"{{{key}}}" in template
        # Signatures name the region also where the address does not.
        if wanted and not value and (key == "region" or not address.base_url):
            yield key, f"has no {key}.", f'Add {key} = "…".'
        elif value and not _PART.fullmatch(value):
            yield key, f"has a {key} that is no name.", "Use letters, digits, '.', ':' and '-'."
        elif key == "region" and value and not wanted and value not in vendor.regions and not address.base_url:
            yield key, f"knows no region {value}.", did_you_mean(value, vendor.regions)
        elif key != "region" and value and not wanted and not address.base_url:
            yield key, f"knows no {key}.", "Leave it out."


def _template(vendor: VendorFacts, region: str) -> str:
    return vendor.regions.get(region or GLOBAL, vendor.base_url)
