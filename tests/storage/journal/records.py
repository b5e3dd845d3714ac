"""Records for the tests of the journal, as real as the path writes them."""

from fastgw.records import Checkpoint, Closed, JournalRecord, Opened, Outcome
from fastgw.storage.journal import Journals
from fastgw.usage import Usage

KEY_ID = "key_0123456789abcdef"
USED = Usage(in_text=1_200, out_text=300)


def opened(exchange_id: str, *, started_ms: int = 1_763_720_000_000, model: str = "openai/gpt-4o-mini") -> Opened:
    return Opened(exchange_id, KEY_ID, model, "openai", "gpt-4o-mini", "chat", True, started_ms, 1_200)


def checkpoint(exchange_id: str, *, delivered_bytes: int = 65_536, output_tokens: int = 500) -> Checkpoint:
    return Checkpoint(exchange_id, delivered_bytes, 320, output_tokens)


def closed(
    exchange_id: str,
    *,
    usage: Usage = USED,
    started_ms: int = 1_763_720_000_000,
    model: str = "openai/gpt-4o-mini",
    key_id: str = KEY_ID,
) -> Closed:
    return Closed(
        exchange_id=exchange_id,
        key_id=key_id,
        model=model,
        provider="openai",
        provider_model="gpt-4o-mini",
        surface="chat",
        stream=False,
        status=200,
        outcome=Outcome.OK,
        error=None,
        usage=usage,
        usage_estimated=False,
        started_ms=started_ms,
        first_byte_ms=320,
        total_ms=2_000,
        gateway_us=410,
        attempts=1,
        delivered_bytes=60_000,
    )


def drain(journals: Journals, stream: str, *, alive: bool, records_max: int = 100) -> list[JournalRecord]:
    """Everything in `stream`, read in small batches as the keeper does."""
    found: list[JournalRecord] = []
    segment = offset = 0
    while True:
        batch = journals.read(stream, segment, offset, alive=alive, records_max=records_max)
        found += batch.records
        assert (batch.segment, batch.offset) >= (segment, offset), "reading never goes back"
        segment, offset = batch.segment, batch.offset
        if not batch.more:
            return found
