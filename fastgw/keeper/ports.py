"""What the keeper needs of the stores; `fastgw.app` puts implementations from `fastgw.storage` behind it.

The methods of `Journals`, `Ledger` and `KeySource` wait and are called in a thread, one at a time. Whatever they raise
is logged and tried again: records stay in their journal until they are in the ledger.
"""

from collections.abc import Iterable, Sequence
from typing import Protocol

from fastgw.exchange import Principal
from fastgw.records import Checkpoint, Closed, Hopped, JournalRecord, Opened


class Batch(Protocol):
    """What one look at a journal found."""

    @property
    def records(self) -> Sequence[JournalRecord]:
        """In the order in which they were appended."""

    @property
    def segment(self) -> int:
        """With `offset`: where to go on."""

    @property
    def offset(self) -> int:
        """Bytes into the segment."""

    @property
    def more(self) -> bool:
        """There may be more to read right now."""


class Journals(Protocol):
    """The journals of this machine."""

    def claim(self) -> bool:
        """Become the one who drains them; False while another process is that."""

    def streams(self) -> Sequence[str]:
        """Names of all streams; each is what one worker process wrote."""

    def alive(self, stream: str) -> bool:
        """Whether its worker lives. Asked before reading: what a dead one wrote is all there."""

    def read(self, stream: str, segment: int, offset: int, *, alive: bool, records_max: int) -> Batch:
        """Records from a place on."""

    def remove_before(self, stream: str, segment: int) -> None:
        """Delete drained segments."""

    def remove(self, stream: str) -> None:
        """Delete a stream that has ended and is drained."""

    def close(self) -> None:
        """Give up the claim."""


class Settled(Protocol):
    """What a stretch of a journal came to."""

    @property
    def touched(self) -> frozenset[str]:
        """Ids of accounts and keys whose purse is another one now."""

    @property
    def overages(self) -> int:
        """Exchanges that were charged more than they held."""

    @property
    def overage_nano(self) -> int:
        """How much more, together."""


class Ledger(Protocol):
    """Usage rows, charges, and how far each journal is drained."""

    def register(self, journals: Sequence[str]) -> None:
        """Let the workers of these journals hold money; for known ones, that their machine is still there."""

    def cursor(self, journal: str) -> tuple[int, int]:
        """Segment and offset up to which a journal is drained; (0, 0) for a new one."""

    def record(
        self,
        journal: str,
        segment: int,
        offset: int,
        *,
        opened: Sequence[Opened],
        checkpoints: Sequence[Checkpoint],
        closed: Sequence[Closed],
        ended: Sequence[str],
        hops: Sequence[Hopped],
    ) -> Settled:
        """Rows, charges and the new place in the journal, in one transaction; an exchange that has a row keeps it."""

    def still_open(self, journal: str) -> Sequence[tuple[Opened, Checkpoint]]:
        """What was opened and not closed, each with its last checkpoint."""

    def finish(self, journal: str, orphans: Sequence[Closed]) -> Settled:
        """Rows and charges for what was left open, and forget the journal, in one transaction."""


class KeySource(Protocol):
    """The truth about API keys."""

    def version(self) -> int:
        """Grows with every change."""

    def principals(self) -> Iterable[Principal]:
        """Every key, revoked ones included."""


class KeyMirror(Protocol):
    """The copy of the keys that workers read."""

    async def sync(self, principals: Iterable[Principal]) -> object:
        """Write all records, then the mark that they are all there."""

    async def synced(self) -> bool:
        """Whether the mark is there; it is lost with the store's memory."""


class ModelBoard(Protocol):
    """Where workers find which models each provider lists."""

    async def publish(self, provider: str, names: Iterable[str]) -> object:
        """Replace the list of one provider."""
