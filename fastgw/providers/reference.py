"""The page of all vendors, made from their data: `python -m fastgw.providers.reference > docs/providers.md`."""

import re
import sys
from collections.abc import Iterator

import msgspec

from fastgw.protocols.hub import target
from fastgw.providers import overrides
from fastgw.providers.registry import VENDORS
from fastgw.providers.vendor import Vendor
from fastgw.settings.reference import docstrings
from fastgw.settings.vendor_facts import COMPATIBLE, SANDBOX

_HEAD = """\
# Providers

A provider needs only its variable. Several keys in one variable are separated by commas; the base URL variable is for
proxies and hosts of one's own. Vendors without a variable, a second account, and any other server go into the
[TOML file](settings.md#providers), where `vendor = "…"` names one of these. A caller is answered in its own dialect; a
provider is asked in that one too if it has it, else in its native one. A proxy that has fewer dialects than its vendor
needs `speaks = ["chat"]` there. This page is generated: `python -m fastgw.providers.reference > docs/providers.md`.

| name | vendor | key | base URL (variable) | dialects, the native one first | lists models | source |
| --- | --- | --- | --- | --- | --- | --- |
"""

_SECRETS = """
## Secrets that sign

Some secrets are never sent; each request is signed, or carries a token that is fetched with them:

- `bedrock`: `ID:SECRET` or `ID:SECRET:SESSION_TOKEN` of AWS signs with Signature Version 4. A Bedrock API key is sent
  as it is.
- `vertex`: the JSON of a service account is exchanged for a token of an hour, which is renewed ahead of its end. Give
  it as `secret_file = "account.json"`, or as the content of `VERTEX_API_KEY`. An API key is sent as it is.
- `azure`, `azure_deployments`: `TENANT:CLIENT_ID:CLIENT_SECRET` of an application in Entra ID is exchanged likewise. A
  key of the resource is sent as it is.
"""

_ABILITIES = """
## Abilities

What a model takes is known by its vendor's rules. `abilities` of a provider in the TOML file says otherwise, for a
model that is not known, or a server of one's own:

```toml
[[providers]]
name = "local"
base_url = "http://127.0.0.1:8000/v1"
speaks = ["chat", "responses"]
abilities = { image_input = false, reasoning = "none", output_max = 8192 }
```

| ability | default | what |
| --- | --- | --- |
"""

_PLACE = re.compile(r"\{(\w+)\}")


def reference() -> str:
    """The whole page as Markdown."""
    rows = [_row(vendor) for vendor in VENDORS.values() if vendor.name not in {SANDBOX, COMPATIBLE}]
    return _HEAD + "".join(rows) + _SECRETS + _ABILITIES + "".join(_abilities())


def _row(vendor: Vendor) -> str:
    prefix = vendor.env_prefix
    places = dict.fromkeys(_PLACE.findall(vendor.base_url + "".join(vendor.regions.values())))
    if vendor.regions:
        places["region"] = None
    needs = "".join(f", `{prefix}_{name.upper()}`" if prefix else f", `{name}`" for name in places)
    regions = "".join(f"; `{name}`: `{url}`" for name, url in vendor.regions.items())
    cells = [
        f"`{vendor.name}`",
        vendor.title,
        f"`{prefix}_API_KEY`" if prefix else "in the TOML file" if vendor.needs_credential else "none needed",
        f"`{vendor.base_url}`{regions}" + (f" (`{prefix}_BASE_URL`{needs})" if prefix else needs),
        ", ".join(f"`{name}`" for name in vendor.endpoints) or "none",
        "yes" if vendor.lists_models else "no",
        vendor.source,
    ]
    return "| " + " | ".join(cells) + " |\n"


def _abilities() -> Iterator[str]:
    told = docstrings(target.Abilities, target)
    for field in msgspec.structs.fields(target.Abilities):
        value = getattr(target.Abilities(), field.name)
        shown = msgspec.json.encode(value).decode("ascii")
        words = ", ".join(f"`{msgspec.json.encode(word).decode()}`" for word in overrides.choices(field.type))
        yield f"| `{field.name}` | `{shown}` | {told[field.name]}{f' Known: {words}.' if words else ''} |\n"


if __name__ == "__main__":
    sys.stdout.write(reference())
