"""Environment and TOML file in, frozen settings out; checked once, at start."""

from fastgw.settings.loader import check, doubts, load
from fastgw.settings.mistakes import Mistake, SettingsError
from fastgw.settings.values import Settings

__all__ = ["Mistake", "Settings", "SettingsError", "check", "doubts", "load"]
