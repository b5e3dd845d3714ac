"""The page of all settings, made from the docstrings of `values`.

`python -m fastgw.settings.reference > docs/settings.md` writes it anew. Not for the request path: it reads the source
text of the package.
"""

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from pathlib import Path as FilePath
from types import ModuleType
from typing import Any, Literal, get_args, get_origin

import msgspec

from fastgw.settings import money, prices, providers, secrets, values
from fastgw.settings.documents import profile, profile_names
from fastgw.settings.schema import ONLY_IN_TOML, PLAIN_NAMES, RESERVED, bare, given, settings

_HEAD = """\
# Settings

Every setting can be given in the TOML file (`fastgw serve --config FILE`), as a variable, or both. What counts, highest
first: command-line options, `FASTGW_` variables, `PORT` and `DATA_DIR`, the TOML file, the profile, the default. An
empty variable counts as not set; lists in variables are separated by commas. `fastgw check --config FILE` reports every
mistake with its line. This page is generated: `python -m fastgw.settings.reference > docs/settings.md`.
"""

_PROVIDERS = """\
## Providers

`OPENAI_API_KEY` alone turns OpenAI on, and likewise for every vendor in [providers.md](providers.md); several keys are
separated by commas, and `OPENAI_BASE_URL` changes the address. Everything else is a table in the TOML file. Providers
of the file come first, in its order; a bare model name goes to all providers that have it, in this order. Variables
that point an SDK at this gateway itself turn no provider on. With no provider at all, the built-in sandbox answers.

```toml
[[providers]]
name = "local"                       # the first part of provider/model
base_url = "http://127.0.0.1:8000/v1"
secret_env = "LOCAL_KEY"             # or secret = "…", or several [[providers.credentials]]
models = ["llama-3.3-70b"]
speaks = ["chat", "responses"]       # what the server can be asked in; OpenAI's chat if nothing is said

[[models]]
name = "fast"                        # an alias; several targets make a failover chain
targets = ["openai/gpt-5-mini", "local/llama-3.3-70b"]

[prices."local/llama-3.3-70b"]       # nano-USD per million tokens
input = 100_000_000
output = 400_000_000

[[prices."local/llama-3.3-70b".changes]]
from = 2027-01-01                    # what holds from that day on, complete
input = 80_000_000
output = 300_000_000

[prices.fast]                        # what callers of the alias pay, whoever serves it
input = 300_000_000
output = 2_000_000_000
tiers = [{ above = 200_000, input = 600_000_000, output = 3_000_000_000 }]

[groups.partners]
margin = 1.2                         # its keys pay 20 % more
```

Prices are integers of nano-USD (10^-9 USD) per million tokens, images, seconds and so on. Whoever writes a table writes
all of it: nothing is taken over from the shipped book, and a table without `input` and `output` makes tokens free.

A model whose price nobody knows serves accounts without a limit, and counts as unpriced; prepaid accounts cannot use
it. The shipped book has the vendors' own prices, but none of Azure, Bedrock, Together, DashScope, Ark, MiMo and servers
of your own: write them here, 0 for what shall be free. `fastgw prices show MODEL` tells what counts.
"""


def reference() -> str:
    """The whole page as Markdown."""
    return "\n".join([_HEAD, *_single(), _PROVIDERS, *_tables(), *_others(), *_profiles()]).rstrip() + "\n"


def docstrings(owner: type[msgspec.Struct], module: ModuleType) -> dict[str, str]:
    """The docstring below each field of a struct, joined to one line; "" where there is none."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(module)))
    names = {kind.__name__ for kind in owner.__mro__}
    # What a struct inherits stands above it in the same module.
    body = [step for node in tree.body if isinstance(node, ast.ClassDef) and node.name in names for step in node.body]
    found = {}
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            text = ""
            if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
                text = " ".join(str(after.value.value).split())
            found[node.target.id] = text
    return found


def _single() -> Iterator[str]:
    tables: dict[str, list[str]] = {"": []}
    for setting in settings():
        what = docstrings(setting.owner, sys.modules[setting.owner.__module__])[setting.path[-1]]
        cells = [f"`{setting.path[-1]}`", f"`{setting.variable}`", _type(setting.type), _value(setting.default), what]
        tables.setdefault(".".join(setting.path[:-1]), []).append(_row(cells))
    for key in sorted(name for name in ONLY_IN_TOML if "." in name):
        table, _, name = key.rpartition(".")
        owner: type[msgspec.Struct] = money.MoneySettings if table == "money" else money.Payments
        tables.setdefault(table, []).append(_row([f"`{name}`", "", "table", "", docstrings(owner, money)[name]]))
    for name, rows in tables.items():
        yield f"## `[{name}]`\n" if name else "## Above all tables\n"
        yield "| TOML key | variable | type | default | what |\n| --- | --- | --- | --- | --- |"
        yield "\n".join(rows) + "\n"


def _tables() -> Iterator[str]:
    for title, owner, module in (
        ("`[[providers]]`", providers.ProviderForm, providers),
        ("`[[providers.credentials]]`", secrets.CredentialForm, secrets),
        ("`[providers.tls]`", values.ProviderTls, values),
        ("`[[models]]`", values.ModelSettings, values),
        ('`[prices."name"]`', prices.Price, prices),
        ('`[[prices."name".changes]]`', prices.DatedPrice, prices),
        ('`[[prices."name".tiers]]`', prices.PriceTier, prices),
        ('`[prices."name".speeds.SPEED]`', prices.SpeedPrice, prices),
        ("`[groups.NAME]`", money.GroupSettings, money),
    ):
        yield f"### {title}\n\n| key | type | default | what |\n| --- | --- | --- | --- |"
        told = docstrings(owner, module)
        rows = []
        for field in msgspec.structs.fields(owner):
            default = "(required)" if field.required else _value(field.default)
            rows.append(_row([f"`{field.encode_name}`", _type(field.type), default, told[field.name]]))
        yield "\n".join(rows) + "\n"


def _others() -> Iterator[str]:
    yield "## Other variables\n\n| variable | what |\n| --- | --- |"
    yield "\n".join(_row([f"`{name}`", what]) for name, what in RESERVED.items())
    yield "\n".join(_row([f"`{name}`", f"Stands for `{twin}`."]) for name, twin in PLAIN_NAMES.items()) + "\n"


def _profiles() -> Iterator[str]:
    yield "## Profiles\n"
    for name in profile_names():
        document = profile(name)
        leaves = [f"`{key} = {value}`" for key, value in _flat(document.data, "")]
        yield f"- `{name}`: {', '.join(leaves) if leaves else 'the defaults'}"


def _flat(data: dict[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
    for key, value in data.items():
        if isinstance(value, dict):
            yield from _flat(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", f'"{value}"' if isinstance(value, str) else f"{value:_}"


def _type(annotation: Any) -> str:
    annotation = given(annotation)
    kind = bare(annotation)
    if get_origin(kind) is Literal:
        return " or ".join(f"`{argument}`" for argument in get_args(kind))
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return "list of tables" if isinstance(item, type) and issubclass(item, msgspec.Struct) else "list of strings"
    if get_origin(kind) is dict or (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        return "table"
    name = {str: "string", int: "integer", bool: "boolean", FilePath: "path", Decimal: "number", date: "day"}[kind]
    for meta in getattr(annotation, "__metadata__", ()):
        if meta.ge is not None:
            return f"{name}, {meta.ge:_} to {meta.le:_}"
    return name


def _value(value: Any) -> str:
    if value is msgspec.NODEFAULT or isinstance(value, msgspec.Struct) or value in ("", (), {}, None):
        return ""
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    return f"`{value:_}`" if isinstance(value, int) else f"`{value}`"


def _row(cells: list[str]) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


if __name__ == "__main__":
    sys.stdout.write(reference())
