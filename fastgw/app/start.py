"""Settings for the command line: from options, environment and file, and what to say when they are wrong."""

import os
from collections.abc import Mapping
from pathlib import Path

from fastgw.providers import VENDORS
from fastgw.settings import Mistake, Settings, check, load


def settings(config: Path | None, options: Mapping[str, str | None]) -> Settings:
    """The settings of this process. `options` are dotted keys to texts, None where the command line says nothing.

    Raises `SettingsError` with every mistake.
    """
    return load(os.environ, config, VENDORS, _given(options))


def mistakes(config: Path | None, options: Mapping[str, str | None]) -> list[Mistake]:
    """Everything that `settings` would refuse."""
    return check(os.environ, config, VENDORS, _given(options))


def _given(options: Mapping[str, str | None]) -> dict[str, str]:
    return {key: text for key, text in options.items() if text is not None}
