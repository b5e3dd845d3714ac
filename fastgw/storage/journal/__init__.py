"""The journal: what each worker did, on disk before the caller knows, drained to SQL by the keeper."""

from fastgw.storage.journal.layout import JournalBounds
from fastgw.storage.journal.reader import Batch, Journals
from fastgw.storage.journal.writer import JournalWriter

__all__ = ["Batch", "JournalBounds", "JournalWriter", "Journals"]
