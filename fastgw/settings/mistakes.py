"""What can be wrong with a configuration, and how it is told: file, line, key, what is wrong, what to do."""

import difflib
from collections.abc import Iterable

import msgspec

from fastgw.errors import StartupError

ENVIRONMENT = "environment"
"""Stands where a file's name would, for mistakes in environment variables."""
COMMAND_LINE = "command line"
"""Stands where a file's name would, for mistakes in options."""

Step = str | int
Path = tuple[Step, ...]
"""Where a value stands in a TOML file: keys of tables and 0-based indices of arrays."""


class Mistake(msgspec.Struct, frozen=True):
    """One thing that is wrong with the configuration."""

    file: str
    """Path of the file, or `environment` or `command line`."""
    line: int
    """1-based; 0 where lines mean nothing (environment, command line, a file that cannot be read)."""
    key: str
    """Dotted key or variable name; empty when the whole file is meant."""
    message: str
    remedy: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}" if self.line else self.file
        subject = f"{self.key}: " if self.key else ""
        return f"{place}: {subject}{self.message} {self.remedy}".rstrip()


class SettingsError(StartupError):
    """The configuration cannot be used; carries every mistake that was found."""

    def __init__(self, mistakes: tuple[Mistake, ...]) -> None:
        count = "1 mistake" if len(mistakes) == 1 else f"{len(mistakes)} mistakes"
        lines = "\n".join(f"  {mistake}" for mistake in mistakes)
        super().__init__(f"The configuration has {count}:\n{lines}")
        self.mistakes = mistakes


def dotted(path: Path) -> str:
    """`("providers", 0, "base_url")` as `providers[0].base_url`."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            text += ("." if text else "") + (step if step.replace("_", "").replace("-", "").isalnum() else f'"{step}"')
    return text


def did_you_mean(wrong: str, known: Iterable[str]) -> str:
    """A remedy that names the nearest known word, or all of them when none is near."""
    names = sorted(known)
    near = difflib.get_close_matches(wrong, names, n=1, cutoff=0.6)
    if near:
        return f"Did you mean {near[0]}?"
    listed = ", ".join(names[:_NAMES_SHOWN])
    return f"Known: {listed}{', …' if len(names) > _NAMES_SHOWN else ''}." if names else ""


_NAMES_SHOWN = 16
