"""The single settings, found by walking the types of `values`: their TOML keys, `FASTGW_` variables and types."""

from pathlib import Path as FilePath
from types import NoneType, UnionType
from typing import Any, Union, get_args, get_origin

import msgspec

from fastgw.settings.values import Settings

PREFIX = "FASTGW_"

ONLY_IN_TOML = frozenset(
    {"providers", "models", "prices", "groups", "money.tokens_per_byte_ppm_by_model", "payments.rates"}
)
"""Lists and tables of things; providers have the vendors' own variables besides."""

RESERVED = {
    "FASTGW_CONFIG": "Path of the TOML file.",
    "FASTGW_SANDBOX_URL": "Base URL of the built-in provider, when it was not started by `fastgw serve`.",
    "FASTGW_SECRET_KEY": "Key that encrypts credentials at rest; the same on all machines of a deployment.",
}
"""Variables of the gateway that are no setting of the TOML file."""

PLAIN_NAMES = {"PORT": "FASTGW_PORT", "DATA_DIR": "FASTGW_DATA_DIR", "CONFIG": "FASTGW_CONFIG"}
"""Names that platforms set, honoured after their `FASTGW_` twins."""


class Setting(msgspec.Struct, frozen=True):
    """One setting that holds a single value or a list of strings."""

    path: tuple[str, ...]
    """Keys in the TOML file, outermost first."""
    variable: str
    type: Any
    """As annotated in `values`; what msgspec converts to."""
    default: Any
    owner: type[msgspec.Struct]
    """The struct that has the field; its source carries the docstring."""

    @property
    def key(self) -> str:
        """Dotted TOML key."""
        return ".".join(self.path)


def settings() -> tuple[Setting, ...]:
    """Every setting, in the order of `values`."""
    return tuple(_walk(Settings, (), Settings()))


def variable_of(path: tuple[str, ...]) -> str:
    """`("guard", "key", "tokens_per_min")` is `FASTGW_KEY_TOKENS_PER_MIN`: the outermost table is left out."""
    return PREFIX + "_".join(path[1:] if len(path) > 1 else path).upper()


def from_text(text: str, wanted: Any) -> Any:
    """A value from an environment variable or option. Raises `msgspec.ValidationError`.

    Lists are separated by commas; numbers and booleans are read as msgspec does (`1`, `true`, `0`, `false`).
    """
    if get_origin(bare(wanted)) is tuple:
        return msgspec.convert([part.strip() for part in text.split(",") if part.strip()], wanted)
    return msgspec.convert(text.strip(), wanted, strict=False, dec_hook=dec_hook)


def given(annotation: Any) -> Any:
    """The type of what may also be left out (`X | None`): `X`, with its limits."""
    others = [kind for kind in get_args(annotation) if kind is not NoneType]
    return others[0] if isinstance(annotation, UnionType) or get_origin(annotation) is Union else annotation


def bare(annotation: Any) -> Any:
    """The type without its `Annotated` limits."""
    return get_args(annotation)[0] if hasattr(annotation, "__metadata__") else annotation


def dec_hook(wanted: type, value: Any) -> Any:
    """Lets msgspec convert a string to a path, and leave a path as it is."""
    if wanted is FilePath and isinstance(value, str | FilePath):
        return FilePath(value).expanduser()
    raise msgspec.ValidationError(f"Expected `str`, got `{type(value).__name__}`")


def _walk(owner: type[msgspec.Struct], path: tuple[str, ...], values: Any) -> list[Setting]:
    found: list[Setting] = []
    for field in msgspec.structs.fields(owner):
        here = (*path, field.name)
        if ".".join(here) in ONLY_IN_TOML:
            continue
        value = getattr(values, field.name)
        kind = bare(field.type)
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found += _walk(kind, here, value)
        else:
            found.append(Setting(here, variable_of(here), field.type, value, owner))
    return found
