"""Accounts over the admin API: made, shown, and credited once for each reference."""

import logging
from decimal import Decimal
from typing import Annotated, Any

import msgspec

from fastgw.clock import wall_ms
from fastgw.controlplane.answering import Answer, Refused, Request, told
from fastgw.controlplane.moments import amount_nano
from fastgw.controlplane.ports import Account, Books, Clerk
from fastgw.money.amounts import usd

HISTORY_MAX = 100
REFERENCE_LENGTH_MAX = 128
NOTE_LENGTH_MAX = 1_000

_log = logging.getLogger("fastgw.control")


class NewAccount(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/admin/accounts`."""

    name: Annotated[str, msgspec.Meta(max_length=256)]
    prepaid: bool = True
    """Whether nothing runs that the balance cannot pay for."""


class Credit(msgspec.Struct, forbid_unknown_fields=True):
    """The body of `POST /api/admin/accounts/{id}/credit`."""

    amount_usd: Decimal
    """More than 0, at most nine digits behind the point: `"12.50"`, or a number."""
    reference: str = ""
    """Names this credit: the same again credits nothing. The header `Idempotency-Key` may say it instead."""
    note: str = ""


class Accounts:
    """The endpoints of accounts."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    async def listed(self, request: Request) -> Answer:
        """`GET /api/admin/accounts`: all, oldest first."""
        found = await self._clerk.run(lambda books: books.accounts.all())
        return told({"data": [_shown(account) for account in found]})

    async def create(self, request: Request) -> Answer:
        """`POST /api/admin/accounts`: 201 with the account, 409 when the name is taken."""
        asked = await request.json(NewAccount)
        if not (asked.name.strip() and asked.name.isprintable()) or asked.name.startswith("acct_"):
            raise Refused(400, "invalid_request", "'name' must be printable, not empty, and not like an id.")
        now_ms = wall_ms()
        made = await self._clerk.run(
            lambda books: books.accounts.create(asked.name, prepaid=asked.prepaid, now_ms=now_ms)
        )
        _log.info("admin API: account %s (%s) is made", made.id, made.name)
        return told(_shown(made), 201)

    async def shown(self, request: Request) -> Answer:
        """`GET /api/admin/accounts/{id}`, by id or name, with what is held and the latest postings."""
        wanted = request.part("id")

        def look(books: Books) -> dict[str, Any]:
            account = _found(books, wanted)
            history = books.accounts.history(account.id, limit=HISTORY_MAX)
            return {
                **_shown(account),
                "held_nano_usd": books.accounts.held(account.id),
                "history": [
                    {
                        "kind": one.kind,
                        "reference": one.reference,
                        "amount_nano_usd": one.amount_nano,
                        "amount_usd": usd(one.amount_nano),
                        "at_ms": one.at_ms,
                        "note": one.note,
                    }
                    for one in history
                ],
            }

        return told(await self._clerk.run(look))

    async def credit(self, request: Request) -> Answer:
        """`POST /api/admin/accounts/{id}/credit`: `{"posted", …}`; `posted` false when the reference was there.

        409 when it was there for another account or amount.
        """
        wanted = request.part("id")
        asked = await request.json(Credit)
        nano = amount_nano(asked.amount_usd)
        reference = asked.reference or request.header(b"idempotency-key")
        if not 0 < len(reference) <= REFERENCE_LENGTH_MAX or not reference.isprintable():
            raise Refused(
                400,
                "invalid_request",
                f"'reference' must name this credit in 1 to {REFERENCE_LENGTH_MAX} printable characters: sent twice, it"
                " credits once.",
            )
        if len(asked.note) > NOTE_LENGTH_MAX or "\0" in asked.note:
            raise Refused(400, "invalid_request", f"'note' may have {NOTE_LENGTH_MAX} characters.")
        now_ms = wall_ms()

        def post(books: Books) -> tuple[bool, Account]:
            account_id = _found(books, wanted).id
            posted = books.accounts.credit(account_id, nano, now_ms=now_ms, reference=reference, note=asked.note)
            return posted, _found(books, account_id)

        posted, account = await self._clerk.run(post)
        if posted:
            _log.info("admin API: %s is credited %s USD (%s)", account.id, usd(nano), reference)
            await self._clerk.moved(account.id)
        return told({"posted": posted, "reference": reference, "amount_nano_usd": nano, **_shown(account)})


def _found(books: Books, id_or_name: str) -> Account:
    account = books.accounts.find(id_or_name)
    if account is None:
        raise Refused(404, "account_not_found", "There is no such account.")
    return account


def _shown(account: Account) -> dict[str, Any]:
    return {
        "id": account.id,
        "name": account.name,
        "prepaid": account.prepaid,
        "balance_nano_usd": account.balance_nano,
        "balance_usd": usd(account.balance_nano),
        "created_at_ms": account.created_at_ms,
    }
