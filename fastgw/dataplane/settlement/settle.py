"""The end of an exchange: its record goes to the journal, and admission gets back what it lent. Nothing here waits."""

from typing import Protocol

from fastgw.exchange import Grant
from fastgw.records import Checkpoint, Closed, Hopped, JournalRecord, Opened


class Journal(Protocol):
    """Where records go; see `storage.journal`."""

    def append(self, record: JournalRecord) -> None:
        """Make `record` outlive this process, before returning."""


class Lender(Protocol):
    """The part of the gate that takes back."""

    def settle(self, grant: Grant, tokens_used: int, charge_nano: int = 0) -> None:
        """Correct the token buckets, release the lease, and turn what was held into what was spent."""


class Settlement:
    """Writes the records of exchanges and settles their grants, each exactly once."""

    __slots__ = ("_gate", "_journal")

    def __init__(self, journal: Journal, gate: Lender) -> None:
        self._journal = journal
        self._gate = gate

    def opened(self, record: Opened) -> None:
        """Before the request leaves for the provider. Raises `GatewayError` (503) when the disk is nearly full."""
        self._journal.append(record)

    def hopped(self, record: Hopped) -> None:
        """Between two candidates."""
        self._journal.append(record)

    def checkpoint(self, record: Checkpoint) -> None:
        """In the middle of a stream."""
        self._journal.append(record)

    def closed(self, record: Closed, grant: Grant) -> None:
        """Before the last byte leaves for the caller."""
        try:
            self._journal.append(record)
        finally:
            # A record that cannot be written is a loss; a lease that is never given back would stop the key for good.
            self._gate.settle(grant, record.usage.total_tokens, record.charge_nano)

    def released(self, grant: Grant) -> None:
        """Admitted, but never sent anywhere: there is no exchange to record, only a grant to give back."""
        self._gate.settle(grant, 0)
