"""TOML files as data with positions: the user's configuration and the shipped profiles."""

import re
import tomllib
from collections.abc import Mapping
from importlib import resources
from pathlib import Path as FilePath
from typing import Any

import msgspec

from fastgw.settings.mistakes import Mistake, Path
from fastgw.settings.positions import positions

BYTES_MAX = 4 * 1024 * 1024
"""A larger configuration file is refused: it is surely the wrong file."""

_AT_LINE = re.compile(r"\(at line (\d+), column \d+\)|\(at end of document\)")


class Document(msgspec.Struct, frozen=True):
    """One TOML file: what it says and where."""

    file: str
    data: dict[str, Any]
    lines: Mapping[Path, int]

    def line(self, path: Path) -> int:
        """The line of `path`, or of the nearest table around it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


EMPTY = Document(file="", data={}, lines={})


def read(path: FilePath) -> Document | Mistake:
    """The file as a document, or the one mistake that keeps it from being one."""
    file = str(path)
    try:
        raw = path.read_bytes()
    except OSError as error:
        return Mistake(file, 0, "", f"Cannot be read: {error.strerror}.", "Give the path of an existing TOML file.")
    if len(raw) > BYTES_MAX:
        return Mistake(file, 0, "", f"Has {len(raw)} bytes.", f"A configuration file has at most {BYTES_MAX}.")
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        return Mistake(file, line, "", "Is not UTF-8.", "Save the file as UTF-8.")
    return parse(text, file)


def parse(text: str, file: str) -> Document | Mistake:
    """The text as a document, or its syntax error as a mistake."""
    try:
        data = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        return _syntax(text, file, error)
    return Document(file=file, data=data, lines=positions(text))


def profile_names() -> list[str]:
    """The named deployments that are shipped, sorted."""
    folder = resources.files("fastgw.profiles")
    return sorted(entry.name.removesuffix(".toml") for entry in folder.iterdir() if entry.name.endswith(".toml"))


def profile(name: str) -> Document:
    """A shipped profile; `name` must be one of `profile_names()`."""
    file = f"{name}.toml"
    document = parse(resources.files("fastgw.profiles").joinpath(file).read_text("utf-8"), f"profile {name}")
    assert isinstance(document, Document), document
    return document


def _syntax(text: str, file: str, error: Exception) -> Mistake:
    if isinstance(error, RecursionError):
        return Mistake(file, 1, "", "Is nested too deeply.", "Use fewer nested arrays and tables.")
    found = _AT_LINE.search(str(error))
    last_line = text.rstrip().count("\n") + 1
    line = int(found.group(1)) if found is not None and found.group(1) else last_line
    message = _AT_LINE.sub("", str(error)).strip()
    return Mistake(file, line, "", f"Is not valid TOML: {message}.", "Correct the line; see https://toml.io.")
