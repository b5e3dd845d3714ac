"""Journals of earlier programs: an upgrade finds them on disk, and loses nothing that is in them."""

from pathlib import Path

import msgspec

from fastgw.errors import ErrorKind
from fastgw.records import Checkpoint, Closed, Opened, Outcome
from fastgw.storage.journal import JournalBounds, Journals, JournalWriter
from fastgw.usage import Usage
from tests.storage.journal.records import drain

SMALL = JournalBounds(segment_bytes=64 * 1024, disk_free_bytes_min=0, sync_delay_ms=1)


class OpenedBefore(msgspec.Struct, array_like=True, tag="o"):
    """As it was before money."""

    exchange_id: str
    key_id: str
    model: str
    provider: str
    provider_model: str
    surface: str
    stream: bool
    started_ms: int
    prompt_tokens_estimate: int


class CheckpointBefore(msgspec.Struct, array_like=True, tag="p"):
    exchange_id: str
    delivered_bytes: int
    first_byte_ms: int
    output_tokens_estimate: int


class ClosedBefore(msgspec.Struct, array_like=True, tag="c"):
    exchange_id: str
    key_id: str
    model: str
    provider: str
    provider_model: str
    surface: str
    stream: bool
    status: int
    outcome: Outcome
    error: ErrorKind | None
    usage: Usage
    usage_estimated: bool
    started_ms: int
    first_byte_ms: int
    total_ms: int
    gateway_us: int
    attempts: int
    delivered_bytes: int


def test_a_journal_from_before_money_is_read_as_costing_nothing(tmp_path: Path) -> None:
    writer = JournalWriter.open(tmp_path, "worker-0", SMALL)
    names = ("ex", "key_a", "openai/m", "openai", "m", "chat", True)
    used = Usage(in_text=9, out_text=44)
    before = (
        OpenedBefore(*names, 5, 9),
        CheckpointBefore("ex", 100, 3, 40),
        ClosedBefore(*names, 200, Outcome.OK, None, used, False, 5, 3, 70, 410, 1, 2_000),
    )
    for old in before:
        writer.append(old)  # type: ignore[arg-type]
    found = drain(Journals(tmp_path), writer.stream.name, alive=True)
    assert [type(record) for record in found] == [Opened, Checkpoint, Closed]
    for record, earlier in zip(found, before, strict=True):
        kept = msgspec.structs.asdict(record)
        assert kept | msgspec.structs.asdict(earlier) == kept
        added = {name: kept[name] for name in kept.keys() - set(earlier.__struct_fields__)}
        assert added and not any(added.values())
    writer.close()
