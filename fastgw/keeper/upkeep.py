"""What the keeper does now and then: journals of lost machines are given up, and the ledger is checked."""

import asyncio
import logging
from collections.abc import Callable, Sequence
from typing import Protocol

from fastgw.keeper.pause import pause

_log = logging.getLogger("fastgw.keeper")

ROUND_S = 60.0
CHECK_ROUNDS = 10
"""The ledger is checked in every tenth round; the first one is a minute after the start."""


class Finding(Protocol):
    """What a check of one invariant has found."""

    @property
    def name(self) -> str:
        """Of the invariant."""

    @property
    def ok(self) -> bool:
        """Whether it holds."""

    @property
    def detail(self) -> str:
        """What was found, in a sentence."""


Forget = Callable[[], Sequence[str]]
"""Gives up the journals of machines that have not been seen for long, and names them. Waits: called in a thread."""
Check = Callable[[], Sequence[Finding]]
"""Checks the ledger, in a bounded time. Waits: called in a thread."""


class Upkeep:
    """The rounds of one keeper."""

    def __init__(self, forget: Forget, check: Check) -> None:
        self._forget = forget
        self._check = check

    async def run(self, stop: asyncio.Event) -> None:
        """Make rounds until `stop` is set."""
        rounds = 0
        while not await pause(stop, ROUND_S):
            await self._try("journals of lost machines cannot be looked for", self.forget)
            if rounds % CHECK_ROUNDS == 0:
                await self._try("the ledger cannot be checked", self.check)
            rounds += 1

    def forget(self) -> None:
        """Give up journals of machines that are lost, and say so."""
        given_up = self._forget()
        if given_up:
            _log.warning(
                "gave up journals of machines that have not been seen for long; what they held returns: %s",
                ", ".join(given_up),
            )

    def check(self) -> None:
        """Check the ledger; each invariant that fails is an error in the log."""
        for finding in self._check():
            if not finding.ok:
                _log.error(
                    "the ledger is wrong: %s: %s (`fastgw ledger check` tells more)", finding.name, finding.detail
                )

    async def _try(self, failing: str, work: Callable[[], None]) -> None:
        try:
            await asyncio.to_thread(work)
        # Databases raise errors of their own kinds, and if this loop ended, nobody would look any more.
        except Exception as error:
            _log.warning("%s, will try again", failing, exc_info=error)
