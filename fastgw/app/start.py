"""Settings for the command line: from options, environment and file, and what to say when they are wrong."""

import os
from collections.abc import Mapping
from pathlib import Path

import msgspec

from fastgw.providers import VENDORS
from fastgw.settings import Mistake, Settings, check, doubts, load
from fastgw.settings.environment import config_variable


def settings(config: Path | None, options: Mapping[str, str | None], *, find_store: bool = False) -> Settings:
    """The settings of this process. `options` are dotted keys to texts, None where the command line says nothing.

    `find_store` fills in the URL of the embedded store that runs, or last ran, for the data folder. Raises
    `SettingsError` with every mistake.
    """
    found = load(os.environ, config, VENDORS, _given(options))
    stores = msgspec.structs.replace(found.stores, data_dir=found.stores.data_dir.expanduser().absolute())
    if find_store and not stores.redis_url:
        from fastgw.storage.valkey import embedded  # noqa: PLC0415 - most commands need no store

        stores = msgspec.structs.replace(stores, redis_url=embedded.recorded_url(stores.data_dir))
    return msgspec.structs.replace(found, stores=stores)


def source(config: Path | None) -> str:
    """A sentence on which configuration file counts, for errors about what the settings do not have."""
    named = str(config) if config is not None else config_variable(os.environ)[1]
    if named:
        return f"Settings: {named}."
    return "No configuration file was named: if the gateway has one, name it here too (CONFIG=… or --config)."


def mistakes(config: Path | None, options: Mapping[str, str | None]) -> list[Mistake]:
    """Everything that `settings` would refuse."""
    return check(os.environ, config, VENDORS, _given(options))


def doubted(config: Path | None, options: Mapping[str, str | None]) -> list[Mistake]:
    """What `settings` takes, but what is hardly meant so."""
    return doubts(os.environ, config, VENDORS, _given(options))


def _given(options: Mapping[str, str | None]) -> dict[str, str]:
    return {key: text for key, text in options.items() if text is not None}
