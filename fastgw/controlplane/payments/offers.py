"""Which payment providers the settings switch on, in what currency, and at which rate."""

from collections.abc import Mapping
from decimal import ROUND_FLOOR, Decimal

from fastgw import clock
from fastgw.controlplane.payments import nowpayments, stripe, yookassa
from fastgw.controlplane.payments.provider import PaymentProvider, Terms
from fastgw.money.amounts import NANO_PER_USD
from fastgw.money.topups import RATE_UNITS
from fastgw.settings.money import PaymentLimits
from fastgw.settings.money import Payments as PaymentSettings


def providers_of(settings: PaymentSettings, *, wall_ms: clock.Clock = clock.wall_ms) -> list[PaymentProvider]:
    """The providers that are switched on. Raises `ValueError` for a currency without a rate."""
    found: list[PaymentProvider] = []
    card, coins, russian = settings.stripe, settings.nowpayments, settings.yookassa
    if card.secret_key:
        currency = card.currency.upper()
        found.append(
            stripe.Stripe(
                secret_key=card.secret_key,
                webhook_secrets=[part.strip() for part in card.webhook_secret.split(",") if part.strip()],
                terms=_terms(settings.rates, card, currency, stripe.decimals_of(currency), stripe.step_of(currency)),
                success_url=card.success_url,
                cancel_url=card.cancel_url,
                base_url=card.base_url,
                wall_ms=wall_ms,
            )
        )
    if coins.api_key:
        addresses = {
            "success_url": coins.success_url,
            "cancel_url": coins.cancel_url,
            "ipn_callback_url": coins.notify_url,
        }
        found.append(
            nowpayments.NowPayments(
                api_key=coins.api_key,
                ipn_secret=coins.ipn_secret,
                terms=_terms(settings.rates, coins, coins.currency.upper(), nowpayments.DECIMALS),
                pay_currency=coins.pay_currency,
                addresses=addresses,
                base_url=coins.base_url,
            )
        )
    if russian.shop_id and russian.secret_key:
        found.append(
            yookassa.YooKassa(
                shop_id=russian.shop_id,
                secret_key=russian.secret_key,
                terms=_terms(settings.rates, russian, russian.currency.upper(), yookassa.DECIMALS),
                return_url=russian.return_url,
                networks=russian.notice_ips,
                base_url=russian.base_url,
            )
        )
    return found


def rate_nano(usd_per_unit: Decimal, decimals: int) -> int:
    """Nano-USD for a million minor units of a currency with so many decimals. Raises `ValueError` if it is 0."""
    rate = (usd_per_unit * NANO_PER_USD * RATE_UNITS).scaleb(-decimals).to_integral_value(ROUND_FLOOR)
    if rate < 1:
        raise ValueError(f"{usd_per_unit} USD for one unit is no rate")
    return int(rate)


def _terms(
    rates: Mapping[str, Decimal], limits: PaymentLimits, currency: str, decimals: int, step_minor: int = 1
) -> Terms:
    named = {name.upper(): rate for name, rate in rates.items()}
    rate = Decimal(1) if currency == "USD" else named.get(currency)
    if rate is None:
        raise ValueError(f"there is no rate for {currency} in payments.rates")
    return Terms(
        currency=currency,
        rate_nano=rate_nano(rate, decimals),
        min_nano=int(limits.min_usd * NANO_PER_USD),
        max_nano=int(limits.max_usd * NANO_PER_USD),
        step_minor=step_minor,
    )
