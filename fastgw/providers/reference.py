"""The page of all vendors, made from their data: `python -m fastgw.providers.reference > docs/providers.md`."""

import sys

from fastgw.providers.registry import VENDORS
from fastgw.providers.vendor import Vendor

_HEAD = """\
# Providers

A provider needs only its variable. Several keys in one variable are separated by commas; the base URL variable is for
proxies and other regions. Any other server that speaks OpenAI's chat completions goes into the
[TOML file](settings.md#providers). This page is generated: `python -m fastgw.providers.reference > docs/providers.md`.

| name | vendor | key | base URL (variable) | chat | lists models | source of the base URL |
| --- | --- | --- | --- | --- | --- | --- |
"""


def reference() -> str:
    """The whole page as Markdown."""
    return _HEAD + "".join(_row(vendor) for vendor in VENDORS.values() if vendor.env_prefix)


def _row(vendor: Vendor) -> str:
    cells = [
        f"`{vendor.name}`",
        vendor.title,
        f"`{vendor.env_prefix}_API_KEY`",
        f"`{vendor.base_url}` (`{vendor.env_prefix}_BASE_URL`)",
        "yes" if "chat" in vendor.endpoints else "no",
        "yes" if vendor.lists_models else "no",
        vendor.source,
    ]
    return "| " + " | ".join(cells) + " |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
