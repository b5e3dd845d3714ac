"""What the settings switch on, and what they may not leave out."""

from decimal import Decimal
from pathlib import Path

import pytest

from fastgw.controlplane.payments.offers import providers_of, rate_nano
from fastgw.errors import StartupError
from fastgw.providers import VENDORS
from fastgw.settings import Settings, load
from tests.controlplane.payments.conftest import CENT, USD

ALL = """
[payments.rates]
RUB = "0.0125"
JPY = 0.0065
[payments.stripe]
secret_key = "sk_1"
webhook_secret = "whsec_new, whsec_old"
success_url = "https://shop.test/paid"
currency = "JPY"
min_usd = "0.5"
[payments.nowpayments]
api_key = "k"
ipn_secret = "s"
notify_url = "https://gateway.test/api/payments/nowpayments/notify"
[payments.yookassa]
shop_id = "1"
secret_key = "s"
return_url = "https://shop.test/paid"
max_usd = 500
"""


def loaded(tmp_path: Path, text: str) -> Settings:
    file = tmp_path / "fastgw.toml"
    file.write_text(text)
    return load({}, file, VENDORS)


def test_each_has_its_currency_rate_and_limits(tmp_path: Path) -> None:
    found = {one.name: one.terms for one in providers_of(loaded(tmp_path, ALL).payments)}
    assert list(found) == ["stripe", "nowpayments", "yookassa"]
    assert (found["stripe"].currency, found["stripe"].rate_nano) == ("JPY", 6_500_000 * 1_000_000)
    assert (found["nowpayments"].currency, found["nowpayments"].rate_nano) == ("USD", CENT * 1_000_000)
    assert (found["yookassa"].currency, found["yookassa"].rate_nano) == ("RUB", 125_000 * 1_000_000)
    assert (found["stripe"].min_nano, found["yookassa"].max_nano) == (USD // 2, 500 * USD)


def test_nothing_is_offered_that_is_not_switched_on(tmp_path: Path) -> None:
    assert providers_of(loaded(tmp_path, "").payments) == []


@pytest.mark.parametrize(
    ("left_out", "named"),
    [
        ('RUB = "0.0125"', "RUB has no rate"),
        ("JPY = 0.0065", "JPY has no rate"),
        ('success_url = "https://shop.test/paid"', "success_url is missing"),
        ('webhook_secret = "whsec_new, whsec_old"', "webhook_secret is missing"),
        ('ipn_secret = "s"', "ipn_secret is missing"),
        ('return_url = "https://shop.test/paid"', "return_url is missing"),
    ],
)
def test_what_a_provider_needs_is_asked_for_at_start(tmp_path: Path, left_out: str, named: str) -> None:
    with pytest.raises(StartupError, match=named):
        loaded(tmp_path, ALL.replace(left_out, ""))


@pytest.mark.parametrize(
    ("line", "named"), [('currency = "rub"', "Is no currency"), ('notice_ips = ["185.71.76.1/27"]', "Is no network")]
)
def test_what_makes_no_sense_is_named(tmp_path: Path, line: str, named: str) -> None:
    with pytest.raises(StartupError, match=named):
        loaded(tmp_path, f"{ALL}\n{line}\n")


def test_settings_show_no_secret(tmp_path: Path) -> None:
    shown = repr(loaded(tmp_path, ALL).payments)
    assert "whsec" not in shown and "sk_1" not in shown


def test_a_rate_that_is_nothing_is_refused() -> None:
    assert rate_nano(Decimal("0.0125"), 2) == 125_000_000_000
    assert rate_nano(Decimal(1), 0) == USD * 1_000_000
    with pytest.raises(ValueError, match="no rate"):
        rate_nano(Decimal("1e-20"), 2)
