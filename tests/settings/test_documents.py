"""Files that are no TOML, or cannot be read, are one mistake each."""

from pathlib import Path

import pytest

from fastgw.providers import VENDORS
from fastgw.settings import check
from tests.settings.written import write


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a = 1\nb = \nc = 2", 2, "Is not valid TOML: Invalid value."),
        ("[listen]\nport = 1\nport = 2", 3, "Is not valid TOML: Cannot overwrite a value."),
        ("[listen]\n\n[listen]", 3, "Is not valid TOML: Cannot declare"),
        ('a = """x\ny\n', 2, "Is not valid TOML"),
        ("x = " + "[" * 5000, 1, ""),
    ],
)
def test_a_text_that_is_no_toml_names_its_line(tmp_path: Path, text: str, line: int, says: str) -> None:
    (mistake,) = check({}, write(tmp_path, text), VENDORS)
    assert mistake.line == line
    assert mistake.message.startswith(says)


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    (missing,) = check({}, tmp_path / "none.toml", VENDORS)
    assert (missing.line, missing.message) == (0, "Cannot be read: No such file or directory.")
    (by_variable,) = check({"CONFIG": str(tmp_path / "none.toml")}, None, VENDORS)
    assert (by_variable.file, by_variable.key) == (missing.file, "CONFIG")
    file = tmp_path / "latin.toml"
    file.write_bytes(b'# one\ntitle = "\xe9"\n')
    (mistake,) = check({}, file, VENDORS)
    assert (mistake.line, mistake.message) == (2, "Is not UTF-8.")


@pytest.mark.parametrize("depth", [100, 300, 500, 900, 2_000])
@pytest.mark.parametrize(("opened", "closed"), [("[", "]"), ("{a=", "}")])
def test_deep_nesting_is_a_mistake_and_no_crash(tmp_path: Path, depth: int, opened: str, closed: str) -> None:
    (mistake,) = check({}, write(tmp_path, f"x = {opened * depth}1{closed * depth}"), VENDORS)
    assert mistake.line == 1
