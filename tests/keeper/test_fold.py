"""Folding: wherever a journal is cut into stretches, what is done about it comes to the same."""

import itertools

import msgspec
from hypothesis import given
from hypothesis import strategies as st

from fastgw.errors import ErrorKind
from fastgw.keeper.fold import fold, orphan
from fastgw.records import Checkpoint, Closed, Hopped, JournalRecord, Opened, Outcome
from fastgw.usage import NOTHING, Usage
from tests.storage.journal.records import checkpoint, closed, opened

lives = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 1)), max_size=8)


def journal(shapes: list[tuple[int, int]], order: list[int]) -> list[JournalRecord]:
    """Records of exchanges with so many checkpoints, closed or not, interleaved in `order`."""
    queues: list[list[JournalRecord]] = []
    for number, (checkpoints, ends) in enumerate(shapes):
        name = f"ex_{number}"
        marks = [checkpoint(name, delivered_bytes=i + 1) for i in range(checkpoints)]
        queues.append([opened(name), *marks, *([closed(name)] if ends else [])])
    merged: list[JournalRecord] = []
    for pick in order:
        waiting = [queue for queue in queues if queue]
        if waiting:
            merged.append(waiting[pick % len(waiting)].pop(0))
    return merged + [record for queue in queues for record in queue]


@given(lives, st.lists(st.integers(0, 100), max_size=40), st.lists(st.integers(0, 60), max_size=6))
def test_any_cut_into_stretches_comes_to_the_same(
    shapes: list[tuple[int, int]], order: list[int], cuts: list[int]
) -> None:
    records = journal(shapes, order)
    edges = sorted({0, len(records), *(min(cut, len(records)) for cut in cuts)})
    still_open: dict[str, Opened] = {}
    last: dict[str, Checkpoint] = {}
    rows: list[str] = []
    for begin, end in itertools.pairwise(edges):
        news = fold(records[begin:end])
        still_open.update({one.exchange_id: one for one in news.opened})
        for mark in news.checkpoints:
            assert mark.exchange_id in still_open
            last[mark.exchange_id] = mark
        for name in news.ended:
            del still_open[name]
        rows += [row.exchange_id for row in news.closed]
    assert rows == [record.exchange_id for record in records if isinstance(record, Closed)]
    assert set(still_open) == {f"ex_{i}" for i, (_, ends) in enumerate(shapes) if not ends}
    for i, (checkpoints, ends) in enumerate(shapes):
        if checkpoints and not ends:
            assert last[f"ex_{i}"].delivered_bytes == checkpoints


def test_an_orphan_is_charged_as_of_its_last_checkpoint() -> None:
    row = orphan(opened("ex_1"), checkpoint("ex_1", delivered_bytes=5, output_tokens=77))
    assert row.outcome is Outcome.ORPHANED
    assert row.usage == Usage(in_text=1_200, out_text=77) and row.usage_estimated
    assert (row.status, row.delivered_bytes, row.first_byte_ms) == (200, 5, 320)


def test_an_orphan_that_delivered_nothing_is_charged_nothing() -> None:
    row = orphan(opened("ex_1"), Checkpoint("ex_1", 0, 0, 0, charge_nano=7, cost_nano=5))
    assert row.usage == NOTHING and not row.usage_estimated
    assert (row.status, row.outcome) == (500, Outcome.ORPHANED)
    assert (row.charge_nano, row.cost_nano) == (0, 5), "the operator may have to pay the provider all the same"


def test_an_orphan_knows_who_pays_and_what_was_held() -> None:
    begun = msgspec.structs.replace(opened("ex_1"), account_id="acct_a", purses=3, hold_nano=90, group="gold")
    row = orphan(begun, Checkpoint("ex_1", 8, 1, 2, charge_nano=7, cost_nano=5, prompt_tokens=44))
    assert row.usage == Usage(in_text=44, out_text=2)
    assert (row.account_id, row.purses, row.hold_nano, row.group) == ("acct_a", 3, 90, "gold")
    assert (row.charge_nano, row.cost_nano) == (7, 5)


def test_hops_are_handed_on_and_end_nothing() -> None:
    hops = [Hopped("ex_1", number, "openai", "gpt", ErrorKind.UPSTREAM_TIMEOUT, 5, 0) for number in (1, 2)]
    news = fold([opened("ex_1"), hops[0], checkpoint("ex_1"), hops[1]])
    assert news.hops == hops
    assert [one.exchange_id for one in news.opened] == [one.exchange_id for one in news.checkpoints] == ["ex_1"]
