"""Purses as one worker knows them: what it has spent from an account or key, and what its exchanges hold (0008)."""

import asyncio
from itertools import islice

from fastgw.exchange import ACCOUNT_PURSE, KEY_PURSE, Ask, Grant, Principal, Quotas, Reason
from fastgw.money.amounts import AMOUNT_MAX

PURSES_MAX = 131_072
"""Purses that a worker remembers. One that it has spent from is never forgotten; beyond this asks for others are
refused."""

SWEEP = 64
"""How many are looked at for one that is added beyond it."""

WANTED = "fgw:purses:wanted"
"""A set of names for which the keeper is asked, and the channel on which it hears of each."""
NEWS = "fgw:purses:news"
"""The channel on which workers are asked for their numbers (name, blank, generation) and hear that a purse can be asked
again (name, blank, 0)."""

MONEY_REASONS = {
    8: Reason.BALANCE,
    9: Reason.QUOTA_TOTAL,
    10: Reason.QUOTA_5H,
    11: Reason.QUOTA_1D,
    12: Reason.QUOTA_7D,
    13: Reason.QUOTA_MONTH,
}
REBUILDING = 14
_ACCOUNT = (-1, 0, 0, 0, 0)


def purse_name(name: str) -> str:
    """Name of the record of an account's or key's purse."""
    return f"fgw:{{{name}}}:purse"


def silent_name(worker: int) -> str:
    """Name of the hash of purses that wait for a worker's numbers: generation by name."""
    return f"fgw:purses:silent:{worker}"


class Purse:
    """One account's or key's money in this worker. Amounts in nano-USD."""

    __slots__ = (
        "asking", "batch", "dirty", "epoch", "held", "index", "left", "lent", "limits", "name", "outage", "quotas",
        "record", "returned", "spent", "unsure", "waiting",
    )  # fmt: skip

    def __init__(self, name: str) -> None:
        self.name = name
        self.record = purse_name(name).encode()
        self.spent = 0
        """Since the worker started; never less than the store or the ledger know of."""
        self.held = 0
        """By exchanges that run here."""
        self.returned = 0
        """Of what was held, to give back with the next batch."""
        self.unsure = False
        """The store may know another `held`: no differences are told, the whole number follows."""
        self.dirty = False
        """It is among those that have something to tell with the next batch."""
        self.asking = 0
        """Asks about it that are not answered yet."""
        self.limits: tuple[int, int, int, int, int] = _ACCOUNT
        """What the script compares with: -1 first for an account, else the key's quotas; 0: none of this sort."""
        self.quotas: Quotas | None = None
        self.epoch = 0
        self.outage = 0
        """For which absence of the store `left` is what is left of the allowance."""
        self.left = 0
        self.lent = 0
        """Held from allowances by exchanges that run, perhaps since an earlier absence."""
        self.waiting: set[asyncio.Future[None]] = set()
        """Asks that wait until it is rebuilt."""
        self.batch = 0
        self.index = 0
        """Place in batch number `batch`."""

    @property
    def idle(self) -> bool:
        """Nothing would be lost by forgetting it."""
        return not (self.spent or self.held or self.returned or self.unsure or self.dirty or self.asking)

    def take(self, quotas: Quotas, epoch: int) -> None:
        """Use these quotas from now on, unless newer ones are known."""
        if quotas is not self.quotas and epoch >= self.epoch:
            self.epoch, self.quotas = epoch, quotas
            five = (quotas.total_nano, quotas.h5_nano, quotas.d1_nano, quotas.d7_nano, quotas.month_nano)
            self.limits = five if min(five) >= 0 and max(five) <= AMOUNT_MAX else _bounded(five)

    def wake(self) -> None:
        """Let those who wait try again."""
        for future in self.waiting:
            if not future.done():
                future.set_result(None)
        self.waiting.clear()


def _bounded(five: tuple[int, ...]) -> tuple[int, int, int, int, int]:
    a, b, c, d, e = (min(max(limit, 0), AMOUNT_MAX) for limit in five)
    return a, b, c, d, e


Paying = tuple[Purse | None, Purse | None]
"""The purses of an ask: the account's and the key's. At least one is there."""


def pays(principal: Principal) -> bool:
    """Whether a hold of this principal concerns a purse."""
    return principal.prepaid or principal.quotas is not None


class Purses:
    """All purses that a worker has to do with, at most `PURSES_MAX`."""

    def __init__(self, allowance_nano: int = 0) -> None:
        self._allowance_nano = allowance_nano
        self._purses: dict[str, Purse] = {}
        self._active: set[Purse] = set()
        self._told: dict[str, int] = {}
        self.dirty: list[Purse] = []
        """Purses with something to tell."""

    def __len__(self) -> int:
        return len(self._purses)

    def of(self, ask: Ask) -> Paying | None:
        """The purses of an ask whose principal `pays`; None if there is no room for another, or one has
        spent more than the store can count."""
        principal = ask.principal
        account = key = None
        if principal.prepaid:
            account = self._purses.get(principal.account_id) or self._new(principal.account_id)
            if account is None:
                return None
        quotas = principal.quotas
        if quotas is not None:
            key = self._purses.get(principal.key_id) or self._new(principal.key_id)
            if key is None:
                return None
            key.take(quotas, principal.epoch)
        for purse in (account, key):
            if purse is not None and purse.spent > AMOUNT_MAX:
                return None  # the store's numbers would not be exact
        return account, key

    def asked(self, paying: Paying, by: int) -> None:
        """Count asks that are on their way: their purses are not forgotten."""
        for purse in paying:
            if purse is not None:
                purse.asking += by

    def granted(self, grant: Grant, paying: Paying) -> None:
        """Count what a grant holds."""
        for purse in paying:
            if purse is not None and grant.hold_nano:
                purse.held += grant.hold_nano
                self._active.add(purse)

    def settle(self, grant: Grant, charge_nano: int, *, connected: bool) -> None:
        """Turn what a grant held into what was spent."""
        principal = grant.ask.principal
        for bit, name in ((ACCOUNT_PURSE, principal.account_id), (KEY_PURSE, principal.key_id)):
            if not grant.purses & bit:
                continue
            purse = self._purses.get(name)
            if purse is None:
                # A hold of nothing did not keep it. What is spent is counted, whatever the bound says.
                purse = self._purses[name] = Purse(name)
            purse.held = max(0, purse.held - grant.hold_nano)
            purse.spent += charge_nano
            if grant.local:
                purse.left += grant.hold_nano - charge_nano
                purse.lent = max(0, purse.lent - grant.hold_nano)
            if not connected:
                self.doubt(purse)
                continue
            if not purse.unsure:
                purse.returned += grant.hold_nano
            if not purse.dirty:
                purse.dirty = True
                self.dirty.append(purse)

    def allowance(self, ask: Ask, paying: Paying, outage: int) -> int:
        """What may be held while the store is away, -1 if too little is left of the allowance of this `outage`."""
        hold = ask.hold
        assert hold is not None, "only an ask with a hold has purses"
        room = hold.want_nano
        for purse in paying:
            if purse is not None:
                if purse.outage != outage:
                    purse.outage, purse.left = outage, self._allowance_nano - purse.lent
                room = min(room, purse.left)
        return room if room >= hold.least_nano and self._allowance_nano > 0 else -1

    def take_local(self, hold_nano: int, paying: Paying) -> None:
        """Hold some of the allowance."""
        for purse in paying:
            if purse is not None:
                purse.left -= hold_nano
                purse.lent += hold_nano
                purse.held += hold_nano
                self.doubt(purse)

    def doubt(self, purse: Purse) -> None:
        """The store may not know what this purse holds or has spent."""
        # One that is not remembered was told of in place of a purse without any use; that may have come into use since.
        known = self._purses.get(purse.name)
        if known is not None:
            known.unsure = True
            known.returned = 0
            self._active.add(known)

    def lost(self) -> None:
        """The connection ended: what was to be told is told as whole numbers over the next one."""
        for purse in self.dirty:
            purse.dirty = False
            self.doubt(purse)
        self.dirty.clear()

    def told_to_tell(self, name: str, generation: int) -> bool:
        """Note that the store waits for the whole numbers of a purse; False if too many are waiting."""
        if len(self._told) >= PURSES_MAX and name not in self._told:
            return False
        self._told[name] = generation
        return True

    def clean(self) -> Purse:
        """Take one of `dirty`, to be told about."""
        purse = self.dirty.pop()
        purse.dirty = False
        return purse

    def due(self) -> list[tuple[Purse, int]]:
        """Purses whose whole numbers are to be told now, and the generation that asks for them, 0 if none does."""
        told, self._told = self._told, {}
        self._active = {purse for purse in self._active if purse.held or purse.unsure}
        due = [(purse, told.pop(purse.name, 0)) for purse in self._active]
        # One that was never used has nothing to say, but the store waits for just that.
        return due + [(self._purses.get(name) or Purse(name), generation) for name, generation in told.items()]

    async def changed(self, paying: Paying, timeout_s: float) -> None:
        """Wait until one of them may be asked again, or for so long."""
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        purses = [purse for purse in paying if purse is not None]
        for purse in purses:
            purse.waiting.add(future)
        try:
            async with asyncio.timeout(timeout_s):
                await future
        except TimeoutError:
            pass
        finally:
            for purse in purses:
                purse.waiting.discard(future)

    def wake(self, name: str) -> None:
        """A purse may be asked again."""
        purse = self._purses.get(name)
        if purse is not None:
            purse.wake()

    @property
    def doubtful(self) -> bool:
        """Whether whole numbers are to be told."""
        return bool(self._told) or any(purse.unsure for purse in self._active)

    def _new(self, name: str) -> Purse | None:
        if len(self._purses) >= PURSES_MAX:
            # Some at a time, the oldest first; those that are needed go to the end of the line.
            for old in list(islice(self._purses, SWEEP)):
                kept = self._purses.pop(old)
                if not kept.idle:
                    self._purses[old] = kept
            if len(self._purses) >= PURSES_MAX:
                return None
        purse = self._purses[name] = Purse(name)
        return purse


def bits(paying: Paying) -> int:
    """`Grant.purses` of an ask with these purses."""
    return (ACCOUNT_PURSE if paying[0] is not None else 0) | (KEY_PURSE if paying[1] is not None else 0)
