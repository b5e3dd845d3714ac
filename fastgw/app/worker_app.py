"""The ASGI application of a worker: which path is served by what."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp

from fastgw.app.wiring import Wiring
from fastgw.dataplane.edges import App, ByMethod, Probe, Unknown
from fastgw.settings import Settings

BASES = ("/v1", "/api/v1", "")
"""Where the API is mounted; the root serves clients whose base URL has no version."""


def asgi(settings: Settings, slot: int = 0) -> Starlette:
    """The application of worker number `slot`. Its lifespan connects the stores, and settles them at the end."""
    wiring = Wiring(settings, slot)

    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncIterator[None]:
        await wiring.start()
        try:
            yield
        finally:
            await wiring.aclose()

    app = _Lean(routes=list(_routes(wiring)), lifespan=lifespan)
    app.router.default = Unknown()
    app.router.redirect_slashes = False
    app.state.drain = wiring.drain
    return app


class _Lean(Starlette):
    """Starlette without its two error middlewares.

    Every handler here answers its own errors, and the frames of a middleware are passed at each resumption of a
    request, five times an exchange: together they cost several microseconds of it.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """The router alone."""
        return self.router


def _routes(wiring: Wiring) -> Iterator[Route]:
    # Starlette tries routes in this order, so the most frequent comes first.
    for base in BASES:
        yield _route(f"{base}/chat/completions", POST=wiring.chat)
    for base in BASES:
        yield _route(f"{base}/models", GET=wiring.models)
        yield _route(f"{base}/models/{{model:path}}", GET=wiring.models)
    alive, ready = Probe(lambda: True), Probe(wiring.ready)
    yield _route("/healthz", GET=alive, HEAD=alive)
    yield _route("/readyz", GET=ready, HEAD=ready)


def _route(path: str, **handlers: App) -> Route:
    return Route(path, ByMethod(handlers))
