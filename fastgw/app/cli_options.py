"""What the verbs of the command line share: options that all have, and how texts become settings, moments, amounts."""

from pathlib import Path
from typing import Annotated, Any

import typer

from fastgw.app import start


def option(metavar: str, text: str, instead: str = "Leave the option out, or give it a value.") -> Any:
    """An option with a text, which is refused when it is empty: a variable of the shell that nobody has set must not
    come to mean "all" or "no limit". `instead` says what to write then. Its default has to be None."""

    def check(value: str | None) -> str | None:
        if value is not None and not value.strip(" ,"):
            raise typer.BadParameter(f"It is empty. {instead}")
        return value

    return typer.Option(metavar=metavar, help=text, callback=check)


def _path(given: str) -> Path:
    if not given.strip():
        raise typer.BadParameter("It is empty. Leave the option out for the default.")
    return Path(given)


Config = Annotated[
    Path | None,
    typer.Option(
        "--config",
        "-c",
        metavar="FILE",
        parser=_path,
        help="TOML file with settings; else FASTGW_CONFIG or CONFIG.",
    ),
]
DataDir = Annotated[
    Path | None,
    typer.Option(
        "--data-dir",
        "-d",
        metavar="DIR",
        parser=_path,
        help="Data folder; else FASTGW_DATA_DIR or DATA_DIR, else .fastgw",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the result, and errors, as one line of JSON.")]


def group(parent: typer.Typer, name: str, text: str, short: str) -> typer.Typer:
    """A group of verbs below `parent`."""
    made = typer.Typer(help=text, no_args_is_help=True, rich_markup_mode=None)
    parent.add_typer(made, name=name, short_help=short)
    return made


def settings(config: Path | None, data_dir: Path | None, *, running: bool = False) -> Any:
    """The settings of a verb; `running` looks for the store of a gateway that runs. Raises `SettingsError`."""
    return start.settings(config, folder(data_dir), find_store=running)


def folder(data_dir: Path | None) -> dict[str, str | None]:
    """The option of the data folder as `start` takes it."""
    return {"stores.data_dir": text(data_dir)}


def text(value: object) -> str | None:
    """An option as text, None where it was not given."""
    return None if value is None else str(value)


def source(config: Path | None) -> str:
    """A sentence on where the settings of this verb are from, for errors about what they do not have."""
    return start.source(config)


def names(given: str | None, *, everything: str = "") -> tuple[str, ...]:
    """A list with commas; empty when it was not given, or is the word for everything."""
    return () if not given or given.strip() == everything else tuple(filter(None, map(str.strip, given.split(","))))


def when(given: str | None, *, past: bool = False) -> int:
    """A moment in Unix seconds, 0 when it was not given."""
    from fastgw.app import moments  # noqa: PLC0415

    try:
        return moments.parse(given or "", past=past)
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error


def amount(given: str | None, *, least: int = 0) -> int:
    """An amount of USD in nano-USD, 0 when it was not given; below `least` (nano-USD) it is misuse."""
    from fastgw.money import amounts  # noqa: PLC0415

    if given is None:
        return 0
    try:
        found = amounts.nano(given)
    except ValueError as error:
        raise typer.BadParameter(f"{error}.") from error
    if found < least:
        raise typer.BadParameter(f"{given} USD is too little.")
    return found
