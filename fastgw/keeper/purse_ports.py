"""What the keeping of purses needs of the stores; `fastgw.app` puts implementations from `fastgw.storage` behind it.

The methods of `PurseSource` wait and are called in a thread.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from typing import Protocol

from fastgw.exchange import Purse

Register = Callable[[], Awaitable[object]]
"""Has the journals registered that workers of this machine have begun since the last look at them."""


class PurseSource(Protocol):
    """What the ledger knows of accounts and keys."""

    def journals(self) -> int:
        """Grows with every journal that is registered or finished, in the whole deployment."""

    def changed_since(self, version: int) -> tuple[int, Sequence[str]]:
        """The version of balances now, and the accounts that others than drains have changed after `version`."""

    def read(self, names: Sequence[str], now_ms: int) -> Sequence[Purse]:
        """The purses of at most `PORTION` accounts and keys, all of one moment."""


class PurseBoard(Protocol):
    """The gate, as the keeper writes to it."""

    async def publish(self, purses: Sequence[Purse], *, create: bool) -> Sequence[str]:
        """Bring the records of these purses up to date; without `create` only those that exist.

        What is older than the record changes nothing. The answer are names that nothing is granted from yet: their
        record has to be made from figures that are read from now on, or a worker has not told what it spent.
        """

    async def wanted(self) -> Collection[str]:
        """Take names off the list of those that workers ask for, some of them when there are many; empty: no more."""

    def wanted_changes(self) -> AsyncIterator[str]:
        """Names as they are asked for; raises `OSError` when the connection ends."""

    def names(self) -> AsyncIterator[Sequence[str]]:
        """The names of all records that exist, in portions; a name may come twice."""
