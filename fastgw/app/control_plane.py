"""The control plane as one ASGI application of a worker, loaded with the first request for it."""

import asyncio
import logging
from typing import TYPE_CHECKING

from fastgw.app.control import Control
from fastgw.controlplane.answering import NotFound, Receive, Refused, Scope, Send, refuse
from fastgw.dataplane.auth.keys import KeyStore
from fastgw.dataplane.stages import Stages
from fastgw.errors import GatewayError

if TYPE_CHECKING:
    from starlette.routing import Router

    from fastgw.app.services import Services

PATHS = ("/api/billing/{rest:path}", "/api/payments/{rest:path}", "/api/admin/{rest:path}")
_ADMIN = "/api/admin/"
_log = logging.getLogger("fastgw.control")


class ControlPlane:
    """Serves `PATHS`."""

    def __init__(self, stages: Stages, attempts: KeyStore, control: Control) -> None:
        self._stages = stages
        self._attempts = attempts
        self._control = control
        self._loading = asyncio.Lock()
        self._router: Router | None = None
        self._nothing = NotFound()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["path"].startswith(_ADMIN) and not self._stages.settings.admin_token:
            await self._nothing(scope, receive, send)
            return
        try:
            router = self._router or await self._load()
        except GatewayError as error:
            await refuse(error, receive, send)
            return
        except Exception as exc:  # a defect of ours must neither kill the worker nor leave the caller without an answer
            _log.exception("the control plane cannot be loaded", exc_info=exc)
            await refuse(
                Refused(500, "internal_error", "The gateway failed. Its operator can look it up."), receive, send
            )
            return
        await router(scope, receive, send)

    async def _load(self) -> "Router":
        async with self._loading:
            if self._router is None:
                self._router = await self._control.run(
                    lambda services: _made(self._stages, self._attempts, self._control, services)
                )
            return self._router


def _made(stages: Stages, attempts: KeyStore, control: Control, services: "Services") -> "Router":
    """In a thread, because loading all this takes a while."""
    from fastgw.app.callers import Callers  # noqa: PLC0415
    from fastgw.app.control_routes import routes  # noqa: PLC0415
    from fastgw.app.topups import TopUps  # noqa: PLC0415

    desk = TopUps.open(stages.settings, services.payments, control.moved)
    return routes(stages.settings, control, Callers(stages, attempts), desk)
