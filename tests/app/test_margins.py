"""Margins of groups reach principals, and nothing else of them changes."""

from decimal import Decimal

import pytest

from fastgw.app.margins import Margins, WithMargins
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.settings import Settings
from fastgw.settings.money import GroupSettings

SETTINGS = Settings(groups={"gold": GroupSettings(margin=Decimal("0.9")), "free": GroupSettings(margin=Decimal(0))})


def key(group: str = "", margin_ppm: int = 1_000_000) -> Principal:
    return Principal("key_1", "0" * 64, 1, "n", Limits(), group=group, margin_ppm=margin_ppm)


@pytest.mark.parametrize(
    ("group", "margin_ppm"), [("", 1_000_000), ("gold", 900_000), ("free", 0), ("gone", 1_000_000)]
)
def test_a_principal_gets_its_groups_margin(group: str, margin_ppm: int) -> None:
    assert Margins(SETTINGS).applied(key(group)) == key(group, margin_ppm)


def test_a_group_that_is_gone_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    margins = Margins(SETTINGS)
    for group in ("gone", "gone", "gold"):
        margins.applied(key(group))
    (record,) = caplog.records
    assert "gone" in record.message


def test_only_groups_of_the_settings_are_known_and_none_at_all() -> None:
    margins = Margins(SETTINGS)
    assert margins.knows("")
    assert margins.knows("gold")
    assert not margins.knows("silver")


def test_a_source_of_keys_is_passed_on_with_margins() -> None:
    class Keys:
        def version(self) -> int:
            return 7

        def principals(self) -> list[Principal]:
            return [key(), key("gold")]

    source = WithMargins(Keys(), SETTINGS)
    assert source.version() == 7
    assert source.principals() == [key(), key("gold", 900_000)]
