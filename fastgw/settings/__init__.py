"""Environment and TOML file in, frozen settings out; checked once, at start."""

from fastgw.settings.values import Settings

__all__ = ["Settings"]
