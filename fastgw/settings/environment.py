"""Environment variables and command-line options as one nested table each, in the shape of the TOML file."""

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from fastgw.settings.mistakes import COMMAND_LINE, ENVIRONMENT, Mistake, Path, did_you_mean
from fastgw.settings.schema import (
    PLAIN_NAMES,
    PREFIX,
    RESERVED,
    Setting,
    from_text,
    settings,
)


class Layer(msgspec.Struct):
    """Settings from one source, and where each came from."""

    data: dict[str, Any] = msgspec.field(default_factory=dict)
    """Nested as in the TOML file; values already have their type."""
    places: dict[Path, Mistake] = msgspec.field(default_factory=dict)
    """For each value a mistake without a message: its file, line and key."""

    def put(self, path: tuple[str, ...], value: Any, place: Mistake) -> None:
        """Set the value at `path`."""
        table = self.data
        for step in path[:-1]:
            table = table.setdefault(step, {})
        table[path[-1]] = value
        self.places[path] = place

    def lay_over(self, other: "Layer") -> None:
        """Take over everything that `other` has; it wins."""
        _forget_bursts(self.data.get("guard", {}), other.data.get("guard", {}))
        _merge(self.data, other.data)
        self.places.update(other.places)


def from_environment(environ: Mapping[str, str]) -> tuple[Layer, list[Mistake]]:
    """The `FASTGW_` variables, and `PORT`, `DATA_DIR` below them. An empty variable counts as not set."""
    layer = Layer()
    mistakes = []
    by_variable = {setting.variable: setting for setting in settings()}
    for name in _ordered(environ):
        variable = PLAIN_NAMES.get(name, name)
        if variable in RESERVED:
            continue
        setting = by_variable.get(variable)
        if setting is None:
            known = [*by_variable, *RESERVED]
            mistakes.append(Mistake(ENVIRONMENT, 0, name, "Unknown variable.", did_you_mean(name, known)))
        else:
            mistakes += _put(layer, setting, environ[name], Mistake(ENVIRONMENT, 0, name, "", ""))
    return layer, mistakes


def from_options(options: Mapping[str, str]) -> tuple[Layer, list[Mistake]]:
    """Command-line overrides: dotted TOML keys (`listen.port`) to texts."""
    layer = Layer()
    mistakes = []
    by_key = {setting.key: setting for setting in settings()}
    for key, text in options.items():
        setting = by_key.get(key)
        if setting is None:
            mistakes.append(Mistake(COMMAND_LINE, 0, key, "Unknown setting.", did_you_mean(key, by_key)))
        else:
            mistakes += _put(layer, setting, text, Mistake(COMMAND_LINE, 0, key, "", ""))
    return layer, mistakes


def config_variable(environ: Mapping[str, str]) -> tuple[str, str]:
    """Name and text of the variable that names the TOML file: `FASTGW_CONFIG`, else `CONFIG`; empty when unset."""
    name = "FASTGW_CONFIG" if environ.get("FASTGW_CONFIG") else "CONFIG"
    return name, environ.get(name, "")


def _ordered(environ: Mapping[str, str]) -> Iterator[str]:
    """Names of interest, plain ones first so that their `FASTGW_` twins win."""
    yield from (name for name in PLAIN_NAMES if environ.get(name))
    # A double underscore marks what the supervisor hands to the processes it starts.
    yield from (n for n in sorted(environ) if n.startswith(PREFIX) and not n.startswith(PREFIX + "_") and environ[n])


def _put(layer: Layer, setting: Setting, text: str, place: Mistake) -> list[Mistake]:
    try:
        value = from_text(text, setting.type)
    except msgspec.ValidationError as error:
        reason = str(error).split(" - at `", 1)[0].split(", got", 1)[0].rstrip(".")
        remedy = f"The setting is {setting.key}."
        return [msgspec.structs.replace(place, message=f"{text!r} does not fit. {reason}.", remedy=remedy)]
    layer.put(setting.path, value, place)
    return []


def _merge(below: dict[str, Any], above: dict[str, Any]) -> None:
    for key, value in above.items():
        if isinstance(value, dict) and isinstance(below.get(key), dict):
            _merge(below[key], value)
        else:
            below[key] = value


def _forget_bursts(below: dict[str, Any], above: dict[str, Any]) -> None:
    """A new rate makes an older burst meaningless: without this, 60 a minute would keep a burst of 60,000."""
    for name, limits in above.items():
        older = below.get(name)
        if isinstance(older, dict) and isinstance(limits, dict):
            for unit in ("requests", "tokens"):
                if f"{unit}_per_min" in limits:
                    older.pop(f"{unit}_burst", None)
