"""Which failures let the next candidate try, and how long a failed one is spared. Pure: times are passed in."""

import enum

COOL_FIRST_MS = 1_000
COOL_MAX_MS = 30_000
COOL_ACCOUNT_MS = 60_000
"""A provider that refuses the gateway's own credential will not change its mind soon."""
RETRY_AFTER_MAX_MS = 300_000
LANES_MAX = 10_000


class Verdict(enum.Enum):
    """What a provider's status means for the exchange."""

    ANSWER = "answer"
    REFUSED = "refused"
    """The request itself is at fault: another provider would say the same, and the caller must hear it."""
    ACCOUNT = "account"
    """The gateway's credential is at fault (401, 402, 403)."""
    BUSY = "busy"
    """429: this lane is full for now."""
    FAILED = "failed"


def verdict(status: int) -> Verdict:
    """Read a provider's status."""
    if 200 <= status < 300:
        return Verdict.ANSWER
    if status in {401, 402, 403}:
        return Verdict.ACCOUNT
    if status == 429:
        return Verdict.BUSY
    if 400 <= status < 500 and status not in {408, 409, 425}:
        return Verdict.REFUSED
    return Verdict.FAILED


class Cooling:
    """Lanes (provider, credential) that failed lately. They are tried last, never not at all."""

    def __init__(self) -> None:
        self.until_ms: dict[tuple[str, str], int] = {}
        self._failures: dict[tuple[str, str], int] = {}

    def failed(self, lane: tuple[str, str], now_ms: int, cool_ms: int = 0) -> None:
        """Note a failure; `cool_ms` of 0 means exponential from `COOL_FIRST_MS`, bounded by `COOL_MAX_MS`."""
        if len(self._failures) >= LANES_MAX and lane not in self._failures:
            self._failures.clear()
            self.until_ms.clear()
        count = self._failures.get(lane, 0) + 1
        self._failures[lane] = count
        span = cool_ms or min(COOL_FIRST_MS << min(count - 1, 5), COOL_MAX_MS)
        self.until_ms[lane] = now_ms + min(span, RETRY_AFTER_MAX_MS)

    def worked(self, lane: tuple[str, str]) -> None:
        """Note a success: the lane is as good as new."""
        if lane in self._failures:
            del self._failures[lane]
            self.until_ms.pop(lane, None)
