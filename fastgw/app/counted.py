"""What the keeper asks of the database every second, with all counters from one read of it."""

from collections.abc import Mapping, Sequence

from fastgw.exchange import Principal, Purse
from fastgw.settings.prices import Price
from fastgw.storage.sql.counters import Counters
from fastgw.storage.sql.keys import Keys
from fastgw.storage.sql.prices import PriceOverrides
from fastgw.storage.sql.purses import PurseSource
from fastgw.storage.sql.tables import JOURNALS_VERSION, KEYS_VERSION, MONEY_VERSION, PRICES_VERSION


class CountedKeys:
    """Implements `fastgw.keeper.ports.KeySource`."""

    def __init__(self, keys: Keys, counters: Counters) -> None:
        self._keys = keys
        self._counters = counters

    def version(self) -> int:
        """Grows with every change of any key."""
        return self._counters.value(KEYS_VERSION)

    def principals(self) -> list[Principal]:
        """Every key, revoked ones included."""
        return self._keys.principals()


class CountedPrices:
    """Implements `fastgw.keeper.prices.PriceSource`."""

    def __init__(self, prices: PriceOverrides, counters: Counters) -> None:
        self._prices = prices
        self._counters = counters

    def version(self) -> int:
        """Grows with every change of any price."""
        return self._counters.value(PRICES_VERSION)

    def all(self) -> Mapping[str, Price]:
        """Every price by its model."""
        return self._prices.all()


class CountedPurses:
    """Implements `fastgw.keeper.purse_ports.PurseSource`."""

    def __init__(self, purses: PurseSource, counters: Counters) -> None:
        self._purses = purses
        self._counters = counters

    def journals(self) -> int:
        """Grows with every journal that is registered or finished."""
        return self._counters.value(JOURNALS_VERSION)

    def changed_since(self, version: int) -> tuple[int, Sequence[str]]:
        """The version of balances now, and the accounts that others than drains have changed after `version`."""
        if self._counters.value(MONEY_VERSION) == version:
            return version, ()
        return self._purses.changed_since(version)

    def read(self, names: Sequence[str], now_ms: int) -> Sequence[Purse]:
        """The purses of accounts and keys, all of one moment."""
        return self._purses.read(names, now_ms)
