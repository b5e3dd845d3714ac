"""The admin API: prices, accounts, credits, a check of the ledger, and usage as CSV. For the operator's own programs.

Each request carries `Authorization: Bearer` and the token of the settings. Without a token in the settings there is no
admin API, and its paths look like any that do not exist.
"""

import hashlib
import hmac
import logging
import threading
from collections.abc import AsyncIterator, Sequence

from fastgw.controlplane.answering import Answer, Endpoint, Refused, Request, told, unauthorized
from fastgw.controlplane.moments import moment_ms
from fastgw.controlplane.ports import Books, Callers, Clerk, Finding
from fastgw.controlplane.usage_csv import HEAD, MEDIA_TYPE, lines
from fastgw.spending import Place, UsageRow

ROWS_MAX = 1_000
"""Of usage in one look at the database, and in one part of an answer."""
CHECK_TIMEOUT_S = 60.0
CHUNK_TIMEOUT_S = 60.0
"""For some rows of an export: where few of very many are wanted, finding them takes a while."""

_log = logging.getLogger("fastgw.control")


class Admin:
    """Lets the holder of the token through to endpoints, and nobody else."""

    def __init__(self, token: str, callers: Callers) -> None:
        self._digest = hashlib.sha256(token.encode()).digest() if token else b""
        self._callers = callers

    def guarded(self, endpoint: Endpoint) -> Endpoint:
        """`endpoint`, for the operator alone."""

        async def serve(request: Request) -> Answer:
            await self._check(request)
            return await endpoint(request)

        return serve

    async def _check(self, request: Request) -> None:
        if not self._digest:
            raise Refused(404, "not_found", "There is nothing here.")
        address, bucket = self._callers.address(request)
        # Apart from wrong keys: who tries those must not lock the operator out, who may come from the same address.
        bucket = f"admin:{bucket}"
        if await self._callers.blocked(bucket):
            raise too_many()
        scheme, _, token = request.header(b"authorization").partition(" ")
        # Digests, so that neither the token's length nor its beginning shows in the time that it takes.
        digest = hashlib.sha256(token.strip().encode("latin-1", "replace")).digest()
        if scheme.lower() != "bearer" or not hmac.compare_digest(digest, self._digest):
            await self._callers.wrong(bucket)
            _log.warning("a wrong admin token came from %s", address)
            raise unauthorized("The admin API wants 'Authorization: Bearer' and the operator's token.")


def too_many() -> Refused:
    """The 429 of an address that tries keys, codes or tokens."""
    return Refused(429, "rate_limited", "Too many wrong attempts from your address. Wait a minute.", retry_after_s=60)


_BOOLEANS = {"1": True, "true": True, "0": False, "false": False}


class LedgerCheck:
    """`GET /api/admin/ledger/check`: a bounded share of the ledger, or with `?full=true` all of it, one at a time."""

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk
        self._full = threading.Lock()

    async def __call__(self, request: Request) -> Answer:
        """Findings, and whether all is right."""
        said = request.query("full").get("full", "false").lower()
        if said not in _BOOLEANS:
            raise Refused(400, "invalid_request", "'full' is true or false.")
        full = _BOOLEANS[said]
        look = self._all if full else _some
        found = await self._clerk.run(look, timeout_s=CHECK_TIMEOUT_S)
        findings = [{"name": one.name, "ok": one.ok, "detail": one.detail, "items": list(one.items)} for one in found]
        return told({"ok": all(one.ok for one in found), "full": full, "findings": findings})

    def _all(self, books: Books) -> Sequence[Finding]:
        # Held by the thread that checks, which goes on when its caller has given up: two would leave none for others.
        if not self._full.acquire(blocking=False):
            raise Refused(409, "check_running", "A full check runs already. Wait for it.", retry_after_s=10)
        try:
            return books.check(quick=False)
        finally:
            self._full.release()


def _some(books: Books) -> Sequence[Finding]:
    return books.check(quick=True)


class UsageExport:
    """`GET /api/admin/usage.csv`, oldest rows first, as fast as the caller reads and no faster.

    Query: `since` and `until` (a date or an ISO 8601 time, UTC without an offset; `until` is not included), `key`,
    `account` (id or name).
    """

    def __init__(self, clerk: Clerk) -> None:
        self._clerk = clerk

    async def __call__(self, request: Request) -> Answer:
        """Rows as a stream. What fails before the first row is an error; later failures cut the answer."""
        query = request.query("since", "until", "key", "account")
        since_ms, until_ms = (moment_ms(query.get(name, ""), name) for name in ("since", "until"))
        asked = query.get("account", "")
        account_id = await self._account(asked) if asked else ""
        wanted = (since_ms, until_ms, query.get("key", ""), account_id)
        first = await self._chunk(*wanted, None)
        disposition = (b"content-disposition", b'attachment; filename="usage.csv"')
        return Answer(200, self._parts(first, *wanted), MEDIA_TYPE, (disposition,))

    async def _account(self, asked: str) -> str:
        """The id of an account by id or name. Raises `Refused` (404) for a name that none has."""
        # Rows may be of an account that the books do not have.
        if asked.startswith("acct_"):
            return asked
        found = await self._clerk.run(lambda books: books.accounts.find(asked))
        if found is None:
            raise Refused(404, "account_not_found", f"There is no account {asked}.")
        return found.id

    async def _parts(
        self, rows: list[UsageRow], since_ms: int, until_ms: int, key_id: str, account_id: str
    ) -> AsyncIterator[bytes]:
        yield HEAD
        while rows:
            yield lines(rows)
            rows = (
                await self._chunk(since_ms, until_ms, key_id, account_id, rows[-1].place)
                if len(rows) == ROWS_MAX
                else []
            )

    async def _chunk(
        self, since_ms: int, until_ms: int, key_id: str, account_id: str, after: Place | None
    ) -> list[UsageRow]:
        return await self._clerk.run(
            lambda books: list(
                books.report.rows(
                    since_ms=since_ms,
                    until_ms=until_ms,
                    key_id=key_id,
                    account_id=account_id,
                    after=after,
                    limit=ROWS_MAX,
                )
            ),
            timeout_s=CHUNK_TIMEOUT_S,
        )
