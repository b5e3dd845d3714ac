"""A TOML file written for a test, and what is wrong with it."""

from pathlib import Path

from fastgw.providers import VENDORS
from fastgw.settings import check


def write(folder: Path, text: str) -> Path:
    """The text as a file."""
    file = folder / "fastgw.toml"
    file.write_text(text, "utf-8")
    return file


def found(folder: Path, text: str, **environ: str) -> list[tuple[int, str, str]]:
    """Line, key and the whole rest of each mistake."""
    mistakes = check(environ, write(folder, text), VENDORS)
    return [(mistake.line, mistake.key, f"{mistake.message} {mistake.remedy}") for mistake in mistakes]
