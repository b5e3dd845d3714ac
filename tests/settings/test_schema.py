"""Every setting has a name of its own in the environment, and every value can come from there."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.settings.schema import PLAIN_NAMES, RESERVED, Setting, settings

OTHER: dict[str, Any] = {
    "http": "2",
    "transport": "httpx",
    "log_level": "debug",
    "profile": "tokmodel",
    "key_prefix": "x-",
    "insufficient_status": 403,
    "data_dir": Path("/elsewhere"),
    "redis_url": "redis://h:1",
    "database_url": "sqlite:///x",
    "trusted_proxies": ("10.0.0.0/8", "::1"),
    "fetch_hosts": ("media.test", "files.test:8080"),
    "host": "::",
    "admin_token": "sixteen-or-more-characters",
    "gate_away": "allowance",
    "allowance_usd": Decimal("2.5"),
    "min_usd": Decimal("1.5"),
    "max_usd": Decimal("2.5"),
    "base_url": "http://127.0.0.1:1",
    "success_url": "https://shop.test/thanks?session={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.test/",
    "return_url": "https://shop.test/",
    "webhook_secret": "whsec_x",
    "ipn_secret": "x",
    "shop_id": "100500",
    "currency": "EUR",
    "pay_currency": "usdttrc20",
    "notify_url": "https://gateway.test/api/payments/nowpayments/notify",
    "notice_ips": ("185.71.76.0/27", "2a02:5180::/32"),
}

COMPANIONS = {
    "FASTGW_STRIPE_WEBHOOK_SECRET": "w",
    "FASTGW_STRIPE_SUCCESS_URL": "https://shop.test/",
    "FASTGW_NOWPAYMENTS_IPN_SECRET": "i",
    "FASTGW_YOOKASSA_SHOP_ID": "1",
    "FASTGW_YOOKASSA_RETURN_URL": "https://shop.test/",
    "FASTGW_YOOKASSA_CURRENCY": "USD",
}
"""Without these a payment provider cannot be turned on."""


def test_no_two_settings_share_a_variable() -> None:
    names = [setting.variable for setting in settings()]
    assert len(set(names)) == len(names)
    assert not set(names) & set(RESERVED)
    assert all(twin in {*names, *RESERVED} for twin in PLAIN_NAMES.values())


def test_the_promised_names() -> None:
    promised = {
        "FASTGW_WORKERS",
        "FASTGW_HOST",
        "FASTGW_PORT",
        "FASTGW_REDIS_URL",
        "FASTGW_DATABASE_URL",
        "FASTGW_DATA_DIR",
        "FASTGW_TIMEOUT_CONNECT_MS",
        "FASTGW_HOLD_HEADERS_MS",
        "FASTGW_BODY_BYTES_MAX",
        "FASTGW_KEY_REQUESTS_PER_MIN",
    }
    assert promised <= {setting.variable for setting in settings()}


@pytest.mark.parametrize("setting", settings(), ids=lambda setting: setting.key)
def test_each_variable_and_each_option_reaches_its_setting(setting: Setting, tmp_path: Path) -> None:
    name = setting.path[-1]
    if name.startswith("tls_"):
        file = tmp_path / "pem"
        file.touch()
        value: Any = str(file)
        other = {"FASTGW_TLS_CERT": value, "FASTGW_TLS_KEY": value}
    elif name in ("secret_key", "api_key"):
        value, other = "sk_x", COMPANIONS
    elif name.endswith("_file"):
        file = tmp_path / "secret"
        file.write_text("sixteen-or-more-characters\n")
        value, other = str(file), {n: t for n, t in COMPANIONS.items() if n != setting.variable.removesuffix("_FILE")}
    else:
        value = OTHER.get(name, setting.default + 1 if isinstance(setting.default, int) else None)
        other = {}
    text = ",".join(value) if isinstance(value, tuple) else str(value)
    for found in (
        load({setting.variable: text, **other}, None, VENDORS),
        load(other, None, VENDORS, {setting.key: text}),
    ):
        here: Any = found
        for step in setting.path:
            here = getattr(here, step)
        assert here == value != setting.default
