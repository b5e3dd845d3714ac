"""Settings of money: what is held, who pays which margin, how balances are paid for."""

from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import Meta

Seconds = Annotated[int, Meta(ge=0, le=31_536_000)]
Ppm = Annotated[int, Meta(ge=1_000, le=1_000_000_000)]
"""A factor in millionths, 0.001 to 1,000."""


ENDPOINTS = ("chat", "completions", "responses", "messages", "gemini")
"""Dialects that a group may be open to, by the names of `fastgw.protocols.registry.CALLERS`; compaction is a part of
`responses`."""


class MoneySettings(msgspec.Struct, frozen=True):
    """Holds, and what happens when the store is away."""

    gate_away: Literal["closed", "allowance"] = "closed"
    """What limited accounts and keys with quotas get while the store cannot be reached: 503, or the allowance."""
    allowance_usd: Decimal = Decimal(1)
    """With `gate_away = "allowance"`: what each worker may spend for each of them in one outage, in USD."""
    output_cap_default: Annotated[int, Meta(ge=1, le=10_000_000)] = 16_384
    """Tokens that a limited account's answer may have when neither the caller nor what is known of the model says."""
    tokens_per_byte_ppm: Ppm = 1_000_000
    """Tokens that a byte of a prompt may come to at most, in millionths. The default is safe for every tokenizer that
    works on bytes; a lower one holds less of a balance and is a risk of yours."""
    tokens_per_byte_ppm_by_model: dict[str, Ppm] = {}
    """The same for single models, by `provider/model`."""
    media_by_size: bool = False
    """Hold for documents, sound and video by their sizes, not for all that may be in them. It holds far less of a
    balance; a caller who makes such a file on purpose can overdraw it, and that is a risk of yours."""
    machine_lost_s: Annotated[int, Meta(ge=3_600, le=31_536_000)] = 86_400
    """Seconds after which the journals of a machine that is not seen any more are given up; what it held returns."""


class GroupSettings(msgspec.Struct, frozen=True):
    """A group of keys."""

    margin: Decimal = Decimal(1)
    """What prices are multiplied by for its keys, like 1.2; 0 makes everything free. At most six digits behind the
    point, at most 1,000."""
    platform: str = ""
    """Which kind of client it is for, like `openai` or `anthropic`; shown, and of no effect."""
    endpoints: tuple[str, ...] = ()
    """Dialects that its keys may ask in (`chat`, `completions`, `responses`, `messages`, `gemini`); others get 404.
    Empty: all."""

    @property
    def margin_ppm(self) -> int:
        """The margin in millionths."""
        return int(self.margin * 1_000_000)


class PaymentLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What the settings of every payment provider have."""

    base_url: str = ""
    """Where its API is, for tests; empty: the provider's own address."""
    min_usd: Decimal = Decimal(1)
    """The least that can be paid at once, in USD."""
    max_usd: Decimal = Decimal(10_000)
    """The most that can be paid at once, in USD."""
    currency: str = "USD"
    """In which amounts are asked for, like `USD`; any other needs its rate in `payments.rates`."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}(…)"


class StripeSettings(PaymentLimits, frozen=True, kw_only=True):
    """Stripe Checkout; on when `secret_key` is set."""

    secret_key: str = ""
    """`sk_live_…` or a restricted key."""
    secret_key_file: str = ""
    """Path of a file that holds it."""
    webhook_secret: str = ""
    """`whsec_…`, with which Stripe signs its notices; several, separated by commas, while one is rotated."""
    webhook_secret_file: str = ""
    """Path of a file that holds it."""
    success_url: str = ""
    """Where the payer's browser goes after paying."""
    cancel_url: str = ""
    """Where it goes when the payer gives up; empty: the same."""

    __repr__ = PaymentLimits.__repr__


class NowPaymentsSettings(PaymentLimits, frozen=True, kw_only=True):
    """NOWPayments (USDT and other coins); on when `api_key` is set."""

    api_key: str = ""
    """Key of its API."""
    api_key_file: str = ""
    """Path of a file that holds it."""
    ipn_secret: str = ""
    """With which it signs its notices."""
    ipn_secret_file: str = ""
    """Path of a file that holds it."""
    pay_currency: str = ""
    """The coin to be paid in, like `usdttrc20`; empty: the payer chooses."""
    success_url: str = ""
    """Where the payer's browser goes after paying."""
    cancel_url: str = ""
    """Where it goes when the payer gives up."""
    notify_url: str = ""
    """Where notices come to, `https://…/api/payments/nowpayments/notify`; empty: as set at NOWPayments."""

    __repr__ = PaymentLimits.__repr__


class YooKassaSettings(PaymentLimits, frozen=True, kw_only=True):
    """YooKassa (Russian cards); on when `shop_id` and `secret_key` are set."""

    shop_id: str = ""
    """Number of the shop."""
    secret_key: str = ""
    """Key of its API."""
    secret_key_file: str = ""
    """Path of a file that holds it."""
    return_url: str = ""
    """Where the payer's browser goes after paying."""
    currency: str = "RUB"
    """In which amounts are asked for; any but `USD` needs its rate in `payments.rates`."""
    notice_ips: tuple[str, ...] = ()
    """Networks that notices may come from, like `185.71.76.0/27`; empty: any, as nothing is believed that its API does
    not confirm."""

    __repr__ = PaymentLimits.__repr__


class Payments(msgspec.Struct, frozen=True):
    """How balances can be paid for, besides by hand and with codes."""

    rates: dict[str, Decimal] = {}
    """USD for one unit of other currencies, like `{ RUB = "0.0125" }`; kept on each payment that used it."""
    stripe: StripeSettings = StripeSettings()
    nowpayments: NowPaymentsSettings = NowPaymentsSettings()
    yookassa: YooKassaSettings = YooKassaSettings()
