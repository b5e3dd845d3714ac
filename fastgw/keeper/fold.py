"""What a stretch of a journal comes to: pure, so that every order of records can be tried."""

from collections.abc import Iterable

import msgspec

from fastgw.errors import ErrorKind
from fastgw.records import Checkpoint, Closed, Hopped, JournalRecord, Opened, Outcome
from fastgw.usage import NOTHING, Usage


class Folded(msgspec.Struct, frozen=True):
    """The news of a stretch; most exchanges begin and end within one and need only their row."""

    opened: list[Opened]
    """Not closed within the stretch."""
    checkpoints: list[Checkpoint]
    """The last one of each exchange that is not closed within the stretch."""
    closed: list[Closed]
    ended: list[str]
    """Exchanges of `closed` that an earlier stretch opened."""
    hops: list[Hopped]


def fold(records: Iterable[JournalRecord]) -> Folded:
    """Sort the records of one stretch by what has to be done about them."""
    opened: dict[str, Opened] = {}
    checkpoints: dict[str, Checkpoint] = {}
    closed: list[Closed] = []
    ended: list[str] = []
    hops: list[Hopped] = []
    for record in records:
        match record:
            case Opened():
                opened[record.exchange_id] = record
            case Checkpoint():
                checkpoints[record.exchange_id] = record
            case Closed():
                closed.append(record)
                checkpoints.pop(record.exchange_id, None)
                if opened.pop(record.exchange_id, None) is None:
                    ended.append(record.exchange_id)
            case Hopped():
                hops.append(record)
    return Folded(list(opened.values()), list(checkpoints.values()), closed, ended, hops)


def orphan(opened: Opened, last: Checkpoint) -> Closed:
    """The row of an exchange whose worker died: what its last checkpoint knows. Nothing delivered charges nothing.

    What the provider may bill the operator is told all the same.
    """
    delivered = last.delivered_bytes > 0
    prompt_tokens = last.prompt_tokens or opened.prompt_tokens_estimate
    usage = Usage(in_text=prompt_tokens, out_text=last.output_tokens_estimate) if delivered else NOTHING
    return Closed(
        exchange_id=opened.exchange_id,
        key_id=opened.key_id,
        model=opened.model,
        provider=opened.provider,
        provider_model=opened.provider_model,
        surface=opened.surface,
        stream=opened.stream,
        status=200 if delivered else ErrorKind.INTERNAL.status,
        outcome=Outcome.ORPHANED,
        error=ErrorKind.INTERNAL,
        usage=usage,
        usage_estimated=delivered,
        started_ms=opened.started_ms,
        first_byte_ms=last.first_byte_ms,
        total_ms=last.first_byte_ms,
        gateway_us=0,
        attempts=1,
        delivered_bytes=last.delivered_bytes,
        account_id=opened.account_id,
        purses=opened.purses,
        hold_nano=opened.hold_nano,
        charge_nano=last.charge_nano if delivered else 0,
        cost_nano=last.cost_nano,
        group=opened.group,
    )
