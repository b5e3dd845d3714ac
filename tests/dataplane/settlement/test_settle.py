"""The end of an exchange: record first, then the grant, and the grant in any case."""

import pytest

from fastgw.dataplane.settlement.settle import Settlement
from fastgw.exchange import Ask, Grant, Principal, RateStatus
from fastgw.limits import Limits
from fastgw.records import Closed, JournalRecord, Outcome
from fastgw.usage import Usage

GRANT = Grant(Ask("req_1", Principal("key_1", "d", 1, "n", Limits()), "", Limits(), 100), RateStatus())
CLOSED = Closed(
    "req_1", "key_1", "m", "p", "m", "chat", False, 200, Outcome.OK, None, Usage(in_text=3, out_text=4), False,
    0, 0, 0, 0, 1, 0, charge_nano=5,
)  # fmt: skip


class Desk:
    """A journal and a lender in one, which notes the order; `full` refuses records."""

    def __init__(self, full: bool = False) -> None:
        self.full = full
        self.seen: list[object] = []

    def append(self, record: JournalRecord) -> None:
        if self.full:
            raise OSError("no space")
        self.seen.append(record)

    def settle(self, grant: Grant, tokens_used: int, charge_nano: int = 0) -> None:
        self.seen.append((tokens_used, charge_nano))


def test_the_record_comes_before_the_grant() -> None:
    desk = Desk()
    Settlement(desk, desk).closed(CLOSED, GRANT)
    assert desk.seen == [CLOSED, (7, 5)]


def test_a_record_that_cannot_be_written_does_not_keep_the_lease() -> None:
    desk = Desk(full=True)
    with pytest.raises(OSError, match="no space"):
        Settlement(desk, desk).closed(CLOSED, GRANT)
    assert desk.seen == [(7, 5)]


def test_what_was_never_sent_is_given_back_whole() -> None:
    desk = Desk()
    Settlement(desk, desk).released(GRANT)
    assert desk.seen == [(0, 0)]
