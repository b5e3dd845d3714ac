"""What the groups of the settings multiply prices by: filled into principals wherever SQL's keys are mirrored.

The database knows only the name of a key's group.
"""

import logging
from collections.abc import Iterable
from typing import Protocol

import msgspec

from fastgw.exchange import Principal
from fastgw.money.amounts import PPM
from fastgw.settings import Settings

_log = logging.getLogger("fastgw.keys")


class KeySource(Protocol):
    """The truth about API keys."""

    def version(self) -> int:
        """Grows with every change."""

    def principals(self) -> Iterable[Principal]:
        """Every key, revoked ones included."""


class Margins:
    """The margins of one configuration."""

    def __init__(self, settings: Settings) -> None:
        self._missed: set[str] = set()
        self._ppm = {name: int(group.margin * PPM) for name, group in settings.groups.items()}

    def knows(self, group: str) -> bool:
        """Whether a key may belong to it; the empty name is no group, at the prices themselves."""
        return not group or group in self._ppm

    def applied(self, principal: Principal) -> Principal:
        """The principal with its group's margin; without one where the settings no longer know the group."""
        if not self.knows(principal.group) and principal.group not in self._missed:
            self._missed.add(principal.group)
            _log.warning(
                "the settings have no group %s any more; its keys, like %s, pay the prices themselves",
                principal.group,
                principal.key_id,
            )
        margin_ppm = self._ppm.get(principal.group, PPM)
        if margin_ppm == principal.margin_ppm:
            return principal
        return msgspec.structs.replace(principal, margin_ppm=margin_ppm)


class WithMargins:
    """Keys with their margins; implements `fastgw.keeper.ports.KeySource`."""

    def __init__(self, keys: KeySource, settings: Settings) -> None:
        self._keys = keys
        self._margins = Margins(settings)

    def version(self) -> int:
        """Grows with every change of a key. Settings change only with a new start, which mirrors all keys."""
        return self._keys.version()

    def principals(self) -> list[Principal]:
        """Every key, revoked ones included."""
        return [self._margins.applied(principal) for principal in self._keys.principals()]
