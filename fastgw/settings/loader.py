"""All sources into one `Settings`, or every mistake at once.

Precedence, highest first: options, `FASTGW_` variables, `PORT` and `DATA_DIR`, the TOML file, the profile, the defaults
of `values`.
"""

from collections.abc import Mapping
from pathlib import Path as FilePath
from typing import Any, NamedTuple, TypeVar

import msgspec

from fastgw.settings.crosscheck import check_values
from fastgw.settings.crosscheck_money import check_money, doubt_money
from fastgw.settings.decode import MISSING, Report, clean
from fastgw.settings.documents import EMPTY, Document, profile, profile_names, read
from fastgw.settings.environment import Layer, config_variable, from_environment, from_options
from fastgw.settings.mistakes import ENVIRONMENT, Mistake, Path, SettingsError, did_you_mean, dotted
from fastgw.settings.providers import ProviderForm, assemble, variable_for
from fastgw.settings.schema import dec_hook
from fastgw.settings.secrets import with_secret_files
from fastgw.settings.values import ModelSettings, Settings
from fastgw.settings.vendor_facts import Vendors

_T = TypeVar("_T", bound=msgspec.Struct)


def load(
    environ: Mapping[str, str],
    config_path: FilePath | None,
    vendors: Vendors,
    options: Mapping[str, str] | None = None,
) -> Settings:
    """The settings of this process. Raises `SettingsError` (a `StartupError`) with every mistake.

    `config_path` None takes `FASTGW_CONFIG` or `CONFIG`, else no file. `vendors` is `fastgw.providers.VENDORS`.
    `options` maps dotted TOML keys to texts (`{"listen.port": "9000"}`) and wins over everything.
    """
    found = _assemble(environ, config_path, vendors, options or {})
    if found.mistakes:
        raise SettingsError(tuple(found.mistakes))
    return found.settings


def check(
    environ: Mapping[str, str],
    config_path: FilePath | None,
    vendors: Vendors,
    options: Mapping[str, str] | None = None,
) -> list[Mistake]:
    """What `load` would refuse, in order of file and line; empty when all is well."""
    return _assemble(environ, config_path, vendors, options or {}).mistakes


def doubts(
    environ: Mapping[str, str],
    config_path: FilePath | None,
    vendors: Vendors,
    options: Mapping[str, str] | None = None,
) -> list[Mistake]:
    """What `load` takes, but what is hardly meant so; in the same order."""
    return _assemble(environ, config_path, vendors, options or {}).doubts


class _Found(NamedTuple):
    settings: Settings
    mistakes: list[Mistake]
    doubts: list[Mistake]


def _assemble(
    environ: Mapping[str, str], config_path: FilePath | None, vendors: Vendors, options: Mapping[str, str]
) -> _Found:
    mistakes: list[Mistake] = []
    doubted: list[Mistake] = []
    document = _document(environ, config_path, mistakes)

    def report(path: Path, message: str, remedy: str) -> None:
        mistakes.append(Mistake(document.file, document.line(path), dotted(path), message, remedy))

    def report_variable(name: str, message: str, remedy: str) -> None:
        mistakes.append(Mistake(ENVIRONMENT, 0, name, message, remedy))

    from_file = _file_layer(document, report)
    from_variables, wrong_variables = from_environment(environ)
    from_command, wrong_options = from_options(options)
    mistakes += wrong_variables + wrong_options
    layers = [from_file, from_variables, from_command]
    merged = _profile_layer(layers, mistakes)
    for layer in layers:
        merged.lay_over(layer)

    plain = msgspec.convert(merged.data, Settings, dec_hook=dec_hook)
    forms = _rows(document, "providers", ProviderForm, report)
    models = _rows(document, "models", ModelSettings, report)
    settings = msgspec.structs.replace(
        plain,
        providers=assemble(forms, environ, vendors, plain.listen, report, report_variable),
        models=tuple(model for _, model in models),
    )
    in_file = {"providers": [index for index, _ in forms], "models": [index for index, _ in models]}

    def report_merged(path: Path, message: str, remedy: str) -> None:
        place = _place(path, merged, document, in_file, settings, vendors)
        mistakes.append(msgspec.structs.replace(place, message=message, remedy=remedy))

    def report_doubt(path: Path, message: str, remedy: str) -> None:
        place = _place(path, merged, document, in_file, settings, vendors)
        doubted.append(msgspec.structs.replace(place, message=message, remedy=remedy))

    settings = with_secret_files(settings, report_merged)
    check_values(settings, report_merged)
    check_money(settings, report_merged)
    doubt_money(settings, report_doubt)
    return _Found(settings, sorted(mistakes, key=_by_place), sorted(doubted, key=_by_place))


def _by_place(mistake: Mistake) -> tuple[str, int]:
    return mistake.file, mistake.line


def _place(
    path: Path,
    merged: Layer,
    document: Document,
    in_file: Mapping[str, list[int]],
    settings: Settings,
    vendors: Vendors,
) -> Mistake:
    """Where a value of the finished settings came from; rows that were dropped shift the later ones in the file."""
    if len(path) > 1 and isinstance(path[1], int) and path[0] in in_file:
        rows = in_file[str(path[0])]
        if path[1] >= len(rows):
            vendor = vendors[settings.providers[path[1]].vendor]
            return Mistake(ENVIRONMENT, 0, variable_for(vendor, str(path[-1])), "", "")
        path = (path[0], rows[path[1]], *path[2:])
    known = merged.places.get(path) or merged.places.get(path[:-1]) if path[-1:] != ("secret",) else None
    return known or Mistake(document.file, document.line(path), dotted(path), "", "")


def _document(environ: Mapping[str, str], config_path: FilePath | None, mistakes: list[Mistake]) -> Document:
    variable, named = ("", str(config_path)) if config_path is not None else config_variable(environ)
    if not named:
        return msgspec.structs.replace(EMPTY, file=ENVIRONMENT)
    found = read(FilePath(named))
    if isinstance(found, Mistake):
        mistakes.append(found if found.line else msgspec.structs.replace(found, key=variable))
        return msgspec.structs.replace(EMPTY, file=named)
    return found


def _file_layer(document: Document, report: Report) -> Layer:
    """The file's single settings, prices and groups; providers and models are read row by row."""
    rows = {"providers", "models"}
    kept = clean({k: v for k, v in document.data.items() if k not in rows}, Settings, (), report)
    layer = Layer(data=kept)
    for path, line in document.lines.items():
        if line:
            layer.places[path] = Mistake(document.file, line, dotted(path), "", "")
    return layer


def _profile_layer(layers: list[Layer], mistakes: list[Mistake]) -> Layer:
    chosen, place = "default", Mistake(ENVIRONMENT, 0, "profile", "", "")
    for layer in layers:
        if "profile" in layer.data:
            chosen, place = layer.data["profile"], layer.places[("profile",)]
    if chosen not in profile_names():
        remedy = did_you_mean(chosen, profile_names())
        mistakes.append(msgspec.structs.replace(place, message=f"There is no profile {chosen}.", remedy=remedy))
        chosen = "default"
    # The defaults lie at the bottom as plain data, so that a table that sets one key keeps the defaults of the others.
    merged = Layer(data=msgspec.to_builtins(Settings(), enc_hook=str))
    merged.lay_over(Layer(data=profile(chosen).data))
    return merged


def _rows(document: Document, key: str, kind: type[_T], report: Report) -> list[tuple[int, _T]]:
    """The usable entries of an array of tables, with their place in the file."""
    data: Any = document.data.get(key, [])
    if not isinstance(data, list):
        report((key,), "Is not an array of tables.", f"Write [[{key}]] with two brackets.")
        return []
    found = []
    for index, item in enumerate(data):
        kept = clean(item, kind, (key, index), report)
        if kept is not MISSING:
            found.append((index, msgspec.convert(kept, kind)))
    return found
