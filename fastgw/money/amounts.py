"""Amounts of money: integers of nano-USD (10^-9 USD), never floats. Text in, text out, exactly."""

from decimal import ROUND_CEILING, Context, Decimal, InvalidOperation

NANO_PER_USD = 1_000_000_000
AMOUNT_MAX = 2**53 - 1
"""About 9 million USD: the store's numbers are doubles, exact up to here."""
PPM = 1_000_000
"""A factor of one, in millionths."""


_NANO = Decimal("1e-9")
_MOST = Decimal(AMOUNT_MAX).scaleb(-9)
_UPWARD = Context(prec=60, rounding=ROUND_CEILING)


def nano(usd: str) -> int:
    """`"12.50"` USD as nano-USD. Raises `ValueError` for what is no number, finer than a nano-USD, or too large."""
    try:
        exact = Decimal(usd.strip().removeprefix("$"))
    except InvalidOperation:
        exact = Decimal("NaN")
    if not exact.is_finite():
        raise ValueError(f"{usd!r} is not an amount of USD, like 12.50")
    # Every other operation rounds to 28 digits, comparisons and copies do not.
    if exact.copy_abs() > _MOST:
        raise ValueError(f"{usd!r} is beyond the largest amount, {AMOUNT_MAX // NANO_PER_USD} USD")
    amount = exact.quantize(_NANO)
    if amount != exact:
        raise ValueError(f"{usd!r} has more than nine digits behind the point")
    return int(amount.scaleb(9))


def nano_up(usd: Decimal) -> int:
    """Nano-USD, rounded up: for prices and rates of others that are finer than ours."""
    return int(_UPWARD.multiply(usd, Decimal(NANO_PER_USD)).to_integral_value(ROUND_CEILING))


def usd(amount_nano: int) -> str:
    """Nano-USD as USD: `"0.00015"`, `"12.5"`, `"-3"`; the shortest exact decimal."""
    sign = "-" if amount_nano < 0 else ""
    whole, rest = divmod(abs(amount_nano), NANO_PER_USD)
    return f"{sign}{whole}.{rest:09d}".rstrip("0").rstrip(".") if rest else f"{sign}{whole}"
