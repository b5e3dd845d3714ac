"""Moments and amounts as requests write them."""

import datetime
from decimal import Decimal

from fastgw.controlplane.answering import Refused
from fastgw.money.amounts import nano

_TEXT_LENGTH_MAX = 40


def moment_ms(text: str, name: str) -> int:
    """Unix milliseconds of `2026-11-21` or an ISO 8601 time, UTC without an offset; 0 for none. Raises `Refused`."""
    if not text:
        return 0
    try:
        # A '+' in a query string is a blank.
        moment = datetime.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=datetime.UTC)
        found = int(moment.timestamp() * 1_000)
    except (ValueError, OverflowError) as error:
        raise Refused(
            400, "invalid_request", f"'{name}' must be a date like 2026-11-21, or an ISO 8601 time."
        ) from error
    return max(found, 1)


def amount_nano(usd: Decimal, name: str = "amount_usd") -> int:
    """Nano-USD of an amount above zero. Raises `Refused`."""
    text = str(usd)
    if len(text) > _TEXT_LENGTH_MAX:
        raise Refused(400, "invalid_request", f"'{name}' is no amount.")
    try:
        found = nano(text)
    except ArithmeticError as error:
        raise Refused(400, "invalid_request", f"'{name}' is no amount.") from error
    except ValueError as error:
        raise Refused(400, "invalid_request", f"'{name}': {error}.") from error
    if found <= 0:
        raise Refused(400, "invalid_request", f"'{name}' must be more than 0.")
    return found
