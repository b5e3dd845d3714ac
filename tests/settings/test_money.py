"""Secrets of payment providers are in no text that is shown, and may come from files."""

from decimal import Decimal
from pathlib import Path

import pytest

from fastgw.providers import VENDORS
from fastgw.settings import check, load
from fastgw.settings.money import GroupSettings, NowPaymentsSettings, Payments, StripeSettings, YooKassaSettings
from tests.settings.written import write

SECRET = "sk_live_0123456789"
COMPLETE = '[payments.stripe]\nsecret_key_file = "{file}"\nwebhook_secret = "w"\nsuccess_url = "https://h/"\n'


def test_no_secret_is_shown() -> None:
    payments = Payments(
        stripe=StripeSettings(secret_key=SECRET, webhook_secret=SECRET),
        nowpayments=NowPaymentsSettings(api_key=SECRET, ipn_secret=SECRET),
        yookassa=YooKassaSettings(shop_id="1", secret_key=SECRET),
    )
    assert SECRET not in repr(payments)
    settings = load({"FASTGW_ADMIN_TOKEN": SECRET, "FASTGW_NOWPAYMENTS_IPN_SECRET": SECRET}, None, VENDORS)
    assert SECRET not in repr(settings)


def test_secrets_are_read_from_files(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET + "\n")
    config = write(tmp_path, COMPLETE.format(file=file) + f'[payments.yookassa]\nsecret_key_file = "{file}"\n')
    more = {
        "FASTGW_YOOKASSA_SHOP_ID": "1",
        "FASTGW_YOOKASSA_RETURN_URL": "https://h/",
        "FASTGW_YOOKASSA_CURRENCY": "USD",
    }
    settings = load({"FASTGW_ADMIN_TOKEN_FILE": str(file), **more}, config, VENDORS)
    assert settings.admin_token == SECRET
    assert settings.payments.stripe.secret_key == SECRET
    assert settings.payments.yookassa.secret_key == SECRET


def test_a_margin_is_a_whole_number_of_millionths() -> None:
    assert GroupSettings(margin=Decimal("1.2")).margin_ppm == 1_200_000
    assert GroupSettings(margin=Decimal("0")).margin_ppm == 0
    assert GroupSettings().margin_ppm == 1_000_000


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"FASTGW_STRIPE_SECRET_KEY": "other"}, "Is given as secret_key too."),
        ({"FASTGW_STRIPE_SECRET_KEY_FILE": "/no/such"}, "/no/such cannot be read: No such file or directory."),
    ],
)
def test_a_secret_comes_from_one_place(tmp_path: Path, variables: dict[str, str], message: str) -> None:
    file = tmp_path / "secret"
    file.write_text(SECRET)
    mistakes = check(variables, write(tmp_path, COMPLETE.format(file=file)), VENDORS)
    assert message in [mistake.message for mistake in mistakes]
