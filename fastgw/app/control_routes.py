"""Which path of the control plane is served by what. Slow to import: a worker does it with the first request for it."""

from starlette.routing import BaseRoute, Route, Router

from fastgw.controlplane.accounts import Accounts
from fastgw.controlplane.admin import Admin, LedgerCheck, UsageExport
from fastgw.controlplane.answering import Endpoint, NotFound, Served
from fastgw.controlplane.billing import Billing
from fastgw.controlplane.ports import Callers, Clerk, Desk
from fastgw.controlplane.prices import Prices
from fastgw.settings import Settings


def routes(settings: Settings, clerk: Clerk, callers: Callers, desk: Desk) -> Router:
    """The endpoints of key holders, payment providers and operators."""
    billing = Billing(clerk, callers, desk)
    admin = Admin(settings.admin_token, callers)
    accounts, prices = Accounts(clerk), Prices(settings, clerk)

    def guarded(path: str, **endpoints: Endpoint) -> Route:
        return Route(path, Served(**{method: admin.guarded(one) for method, one in endpoints.items()}))

    table: list[BaseRoute] = [
        Route("/api/billing/redeem", Served(POST=billing.redeem)),
        Route("/api/billing/checkout", Served(POST=billing.checkout)),
        Route("/api/billing/payments", Served(GET=billing.payments)),
        Route("/api/billing/payments/{id}", Served(GET=billing.payment)),
        Route("/api/payments/{provider}/notify", Served(POST=billing.notify)),
        guarded("/api/admin/prices", GET=prices.listed),
        guarded("/api/admin/prices/{model:path}", GET=prices.shown, PUT=prices.put, DELETE=prices.delete),
        guarded("/api/admin/accounts", GET=accounts.listed, POST=accounts.create),
        guarded("/api/admin/accounts/{id}", GET=accounts.shown),
        guarded("/api/admin/accounts/{id}/credit", POST=accounts.credit),
        guarded("/api/admin/ledger/check", GET=LedgerCheck(clerk)),
        guarded("/api/admin/usage.csv", GET=UsageExport(clerk)),
    ]
    return Router(routes=table, redirect_slashes=False, default=NotFound())
