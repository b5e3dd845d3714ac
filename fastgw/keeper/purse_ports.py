"""What the keeping of purses needs of the stores; `fastgw.app` puts implementations from `fastgw.storage` behind it.

The methods of `PurseSource` wait and are called in a thread.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol

from fastgw.exchange import Purse

Register = Callable[[], Awaitable[object]]
"""Has the journals registered that workers of this machine have begun since the last look at them."""


class Versions(Protocol):
    """Two counters of the whole deployment."""

    @property
    def money(self) -> int:
        """Changes of balances that no drain has made."""

    @property
    def journals(self) -> int:
        """Journals that were registered or finished."""


class PurseSource(Protocol):
    """What the ledger knows of accounts and keys."""

    def versions(self) -> Versions:
        """Where the counters are."""

    def changed_since(self, money_version: int) -> tuple[int, Sequence[str]]:
        """The counter of money, and the ids of accounts that others than drains have changed since that version."""

    def read(self, names: Sequence[str], now_ms: int) -> Sequence[Purse]:
        """The purses of at most `PORTION` accounts and keys, all of one moment."""


class PurseBoard(Protocol):
    """The gate, as the keeper writes to it."""

    async def publish(self, purses: Sequence[Purse], *, create: bool) -> object:
        """Bring the records of these purses up to date; without `create` only those that exist. None goes back."""

    async def wanted(self) -> Sequence[str]:
        """Names that workers have asked for, or some of them when there are many; stays so until `unwant`."""

    async def unwant(self, names: Sequence[str]) -> object:
        """Take names off the list of wanted ones."""

    def wanted_changes(self) -> AsyncIterator[str]:
        """Names as they are asked for; raises `OSError` when the connection ends."""

    def names(self) -> AsyncIterator[Sequence[str]]:
        """The names of all records that exist, in portions; a name may come twice."""
