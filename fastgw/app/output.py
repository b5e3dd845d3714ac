"""How commands speak: results on standard output, errors in one line on standard error, both as JSON on request."""

import sys
from collections.abc import Sequence
from typing import Any

import msgspec

from fastgw.settings import Mistake, SettingsError

DONE = 0
FAILED = 1
"""What was asked for could not be done: a port, a folder, a store, a key that does not exist."""
MISUSED = 2
"""The command line or the configuration is wrong."""


def result(value: Any) -> None:
    """Print a value as one line of JSON."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")
    sys.stdout.flush()


def line(text: str = "") -> None:
    """Print a line for a person."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def table(head: Sequence[str], rows: Sequence[Sequence[str]], right: frozenset[int] = frozenset()) -> None:
    """Print rows under a head, in columns as wide as needed; the columns in `right` are right-aligned."""
    widths = [max(len(row[column]) for row in (head, *rows)) for column in range(len(head))]
    for row in (head, *rows):
        cells = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        line("  ".join(cells).rstrip())


def failure(error: Exception | str, *, as_json: bool) -> int:
    """Print what went wrong; the result is the exit code for it."""
    misused = isinstance(error, SettingsError)
    if as_json:
        told: dict[str, Any] = {"message": str(error)}
        if isinstance(error, SettingsError):
            told["mistakes"] = [mistake(found) for found in error.mistakes]
        sys.stderr.write(msgspec.json.encode({"error": told}).decode() + "\n")
    else:
        sys.stderr.write(f"fastgw: {error}\n")
    return MISUSED if misused else FAILED


def mistake(found: Mistake) -> dict[str, Any]:
    """A mistake of the configuration as plain data."""
    return {
        "file": found.file,
        "line": found.line,
        "key": found.key,
        "message": found.message,
        "remedy": found.remedy,
    }
