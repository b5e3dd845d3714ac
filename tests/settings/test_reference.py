"""The pages in docs/ that are made from the code are those that the code makes now."""

from pathlib import Path

from fastgw.providers import reference as vendors
from fastgw.settings import reference
from fastgw.settings.schema import settings

DOCS = Path(__file__).parents[2] / "docs"


def test_the_page_of_settings_is_current() -> None:
    assert (DOCS / "settings.md").read_text("utf-8") == reference.reference()


def test_the_page_of_providers_is_current() -> None:
    assert (DOCS / "providers.md").read_text("utf-8") == vendors.reference()


def test_every_setting_says_what_it_is() -> None:
    page = reference.reference()
    for setting in settings():
        (row,) = [line for line in page.splitlines() if f"`{setting.variable}` |" in line and setting.path[-1] in line]
        assert row.split(" | ")[-1].rstrip(" |"), f"{setting.key} has no docstring"
