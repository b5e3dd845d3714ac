"""The quick comparison of balances: bounded, and in time it comes round to every account."""

import pytest
from sqlalchemy import Engine, event, text

from fastgw.storage.sql import check_sums
from fastgw.storage.sql.accounts import Accounts
from fastgw.storage.sql.check_sums import some_balances


def test_some_balances_comes_round_to_all_accounts_that_it_can_read(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(check_sums, "ENTRIES_SOME", 3)
    accounts = Accounts(engine)
    made = [accounts.create(f"n{i}", prepaid=True, now_ms=1).id for i in range(6)]
    for number, account_id in enumerate(made):
        for _ in range(number):
            accounts.credit(account_id, 1, now_ms=1)
    with engine.begin() as connection:
        connection.execute(text("UPDATE accounts SET balance_nano = balance_nano + 1"))
    found: set[str] = set()
    asked: list[str] = []
    event.listen(engine, "before_cursor_execute", lambda _c, _cur, statement, *_: asked.append(statement))
    for second in range(6):
        asked.clear()
        with engine.connect() as connection:
            found.update(line.partition(":")[0] for line in some_balances(connection, second * 1_000))
        assert len(asked) <= 1 + 3, "never more accounts than there are entries to be read"
    # The first has no posting, and the last two have more than one reading takes.
    assert found == set(made[1:4])
