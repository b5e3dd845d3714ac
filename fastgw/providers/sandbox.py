"""The built-in provider: a small process of the gateway's own that answers over HTTP like any other."""

from fastgw.providers.vendor import Vendor

VENDOR = Vendor(
    name="sandbox",
    title="Built-in sandbox",
    base_url="",
    source="fastgw itself",
    owned_by="fastgw",
    credential="none",
    needs_credential=False,
    models=("echo", "slow", "tools", "error", "cut"),
    variants=True,
)
