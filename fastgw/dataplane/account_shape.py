"""What account endpoints answer: sub2api's `/v1/usage`, and OpenAI's old `/dashboard/billing`, as clients read them.

Sources: sub2api `backend/internal/handler/gateway_handler.go` (`Usage`, 2026-10), whose shape CC Switch and others
read; one-api and new-api `controller/billing.go` (2026-10), whose reading of OpenAI's withdrawn billing endpoints is
what clients expect: the limit is what is left plus what is used, over all time. Amounts are JSON numbers of USD there;
the exact ones stand beside them as integers of nano-USD. What an operator pays to providers is never told.
"""

import datetime
from typing import Any

from fastgw.exchange import Principal, Quotas
from fastgw.money.amounts import NANO_PER_USD
from fastgw.spending import KeySpending, Sums, Window, date_of

UNLIMITED_USD = 100_000_000
"""What one-api and new-api give as the limit of those who have none."""
NO_QUOTAS = Quotas()
MOMENT_MAX_S = 253_402_300_799
"""The last second that RFC 3339 can write: in the year 9999."""
_WINDOWS = (("5h", "h5"), ("1d", "d1"), ("7d", "d7"))


def usage(principal: Principal, spending: KeySpending, now_ms: int) -> dict[str, Any]:
    """The answer of `GET /v1/usage`: `quota_limited` for a key with quotas of its own, else the wallet."""
    expired = 0 < principal.expires_at_s * 1_000 <= now_ms
    told = _quotas(principal.quotas, spending) if principal.quotas else _wallet(principal, spending)
    if expired:
        told |= {"isValid": False, "status": "expired"}
    if principal.expires_at_s:
        left_s = principal.expires_at_s - now_ms // 1_000
        told |= {"expires_at": _moment(principal.expires_at_s), "days_until_expiry": max(0, -(-left_s // 86_400))}
    total = spending.total
    told["usage"] = {
        "today": _sums(spending.today),
        "total": _sums(total),
        "average_duration_ms": round(total.total_ms / total.requests, 1) if total.requests else 0,
        "rpm": spending.minute.requests,
        "tpm": spending.minute.usage.total_tokens,
    }
    told["daily_usage"] = [{"date": date_of(day).isoformat(), **_sums(sums)} for day, sums in spending.days]
    told["model_stats"] = [{"model": model, **_sums(sums)} for model, sums in spending.models]
    return told


def subscription(principal: Principal, spending: KeySpending) -> dict[str, Any]:
    """The answer of `GET /dashboard/billing/subscription`."""
    left_nano = _left(principal, spending)
    limit = UNLIMITED_USD if left_nano is None else _usd(max(0, left_nano) + used(principal, spending))
    return {
        "object": "billing_subscription",
        "has_payment_method": True,
        "soft_limit_usd": limit,
        "hard_limit_usd": limit,
        "system_hard_limit_usd": limit,
        "access_until": principal.expires_at_s,
    }


def billed(principal: Principal, spending: KeySpending) -> dict[str, Any]:
    """The answer of `GET /dashboard/billing/usage`: hundredths of a USD, over all time whatever dates are named."""
    return {"object": "list", "total_usage": used(principal, spending) * 100 / NANO_PER_USD}


def used(principal: Principal, spending: KeySpending) -> int:
    """Nano-USD that count against the limit: of the key where it has a quota in all, else of who pays for it."""
    of_key = (principal.quotas or NO_QUOTAS).total_nano > 0 or not principal.prepaid
    return spending.spent_nano if of_key else spending.paid_nano


def _left(principal: Principal, spending: KeySpending) -> int | None:
    """What the key may still spend in nano-USD, None without a limit."""
    quota_nano = (principal.quotas or NO_QUOTAS).total_nano
    left = [quota_nano - spending.spent_nano] if quota_nano else []
    if principal.prepaid:
        left.append(spending.balance_nano or 0)
    return min(left) if left else None


def _quotas(quotas: Quotas, spending: KeySpending) -> dict[str, Any]:
    told: dict[str, Any] = {"mode": "quota_limited", "isValid": True, "status": "active"}
    lefts: list[int] = []
    if quotas.total_nano:
        told["quota"] = quota = _quota(quotas.total_nano, spending.spent_nano)
        told["remaining"] = quota["remaining"]
        lefts.append(quotas.total_nano - spending.spent_nano)
    limits = []
    for name, field in _WINDOWS:
        limit_nano = getattr(quotas, f"{field}_nano")
        if limit_nano:
            window: Window = getattr(spending, field)
            limits.append(_window(name, limit_nano, window))
            lefts.append(limit_nano - window.spent_nano)
    if limits:
        told["rate_limits"] = limits
    if quotas.month_nano:
        told["monthly_quota"] = _quota(quotas.month_nano, spending.month_nano)
        lefts.append(quotas.month_nano - spending.month_nano)
    if lefts:
        told.setdefault("remaining", _usd(max(0, min(lefts))))
        told["remaining_nano_usd"] = max(0, min(lefts))
        if min(lefts) <= 0:
            told["status"] = "quota_exhausted"
    return told | {"unit": "USD"}


def _quota(limit_nano: int, used_nano: int) -> dict[str, Any]:
    left_nano = max(0, limit_nano - used_nano)
    return {"limit": _usd(limit_nano), "used": _usd(used_nano), "remaining": _usd(left_nano), "unit": "USD"}


def _window(name: str, limit_nano: int, window: Window) -> dict[str, Any]:
    told = {
        "window": name,
        "limit": _usd(limit_nano),
        "used": _usd(window.spent_nano),
        "remaining": _usd(max(0, limit_nano - window.spent_nano)),
        "window_start": _moment(window.since_s) if window.since_s else None,
    }
    if window.leaves_s:
        # It rolls: at this moment the oldest of what is used is free again, and not all at once.
        told["reset_at"] = _moment(window.leaves_s)
    return told


def _wallet(principal: Principal, spending: KeySpending) -> dict[str, Any]:
    told: dict[str, Any] = {"mode": "unrestricted", "isValid": True, "status": "active", "unit": "USD"}
    if principal.prepaid:
        balance_nano = spending.balance_nano or 0
        told |= {"planName": "Wallet", "remaining": _usd(balance_nano)}
        if balance_nano <= 0:
            told["status"] = "insufficient_balance"
    else:
        # sub2api says "no limit" like this, too.
        told |= {"planName": "Unlimited", "remaining": -1, "unlimited": True}
    if spending.balance_nano is not None:
        told |= {"balance": _usd(spending.balance_nano), "balance_nano_usd": spending.balance_nano}
    return told


def _sums(sums: Sums) -> dict[str, Any]:
    """Four disjoint classes of tokens, their sum, and searches, which are none. Both costs are what was charged: there
    is no list price here."""
    usage = sums.usage
    return {
        "requests": sums.requests,
        "input_tokens": usage.in_text + usage.in_audio + usage.in_image,
        "output_tokens": usage.output_tokens,
        "cache_creation_tokens": usage.cache_write_5m + usage.cache_write_1h,
        "cache_read_tokens": usage.cache_read,
        "total_tokens": usage.total_tokens,
        "searches": usage.searches,
        "cost": _usd(sums.charge_nano),
        "actual_cost": _usd(sums.charge_nano),
        "charge_nano_usd": sums.charge_nano,
    }


def _usd(amount_nano: int) -> float:
    return amount_nano / NANO_PER_USD


def _moment(seconds: int) -> str:
    seconds = min(seconds, MOMENT_MAX_S)
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
