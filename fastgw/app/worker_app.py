"""The ASGI application of a worker: which path is served by what."""

from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import asynccontextmanager
from typing import Any, cast

from starlette.applications import Starlette
from starlette.routing import Route
from starlette.types import ASGIApp, Lifespan, Receive, Scope, Send

from fastgw.app import control_plane
from fastgw.app.wiring import Wiring
from fastgw.dataplane.edges import App, ByMethod, Hello, Probe, Unknown, UpgradeRefused
from fastgw.settings import Settings

BASES = ("/v1", "/api/v1", "")
"""Where the API is mounted; the root serves clients whose base URL has no version."""
GEMINI_BASES = (*BASES, "/v1beta", "/api/v1beta")
"""Newer SDKs of Google ask under `v1` (google-genai 3.4), older ones and Gemini CLI under `v1beta`."""
MESSAGES_PATHS = ("/openai/v1/messages", "/v1/v1/messages", "/openai/v1/v1/messages", "/api/v1/v1/messages")
"""Where Claude Code asks when its base URL already has a version or a vendor in it (2.1, 2026-11)."""


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
    """Starlette whose routes with a fixed path are found by that path, before its middlewares and its router.

    Every handler here answers its own errors, so the two error middlewares have nothing to do; and each frame between
    the server and a handler is passed again at every resumption of a request. Together they cost 8 us of 40 a request.
    """

    def __init__(self, routes: list[Route], lifespan: Lifespan[Starlette]) -> None:
        super().__init__(routes=routes, lifespan=lifespan)
        self._fixed: dict[str, ASGIApp] = {route.path: route.endpoint for route in routes if "{" not in route.path}
        self._models: dict[str, ASGIApp] = {
            route.path.partition("{")[0]: route.endpoint
            for route in routes
            if route.path.endswith("models/{model:path}")
        }
        """Gemini's calls have the model's name in their path, and are as frequent as any."""

    def __call__(self, scope: Scope, receive: Receive, send: Send) -> Coroutine[Any, Any, None]:
        """Hand on to the handler; the result is its coroutine, without a frame of our own around it."""
        path = scope["path"]
        handler = self._fixed.get(path) if scope["type"] == "http" else None
        if handler is None and "/models/" in path and scope["type"] == "http":
            start = path.index("/models/") + 8
            handler = self._models.get(path[:start])
            if handler is not None:
                scope["path_params"] = {"model": path[start:]}
        called = super().__call__(scope, receive, send) if handler is None else handler(scope, receive, send)
        return cast("Coroutine[Any, Any, None]", called)


def _routes(wiring: Wiring) -> Iterator[Route]:
    for base in BASES:
        yield _route(f"{base}/chat/completions", POST=wiring.chat)
        yield _route(f"{base}/completions", POST=wiring.completions)
        yield _route(f"{base}/responses", POST=wiring.responses, GET=UpgradeRefused())
        yield _route(f"{base}/responses/input_tokens", POST=wiring.count_responses)
        yield _route(f"{base}/responses/compact", POST=wiring.compact)
        yield _route(f"{base}/models", GET=wiring.models)
        yield _route(f"{base}/usage", GET=wiring.usage)
        yield _route(f"{base}/dashboard/billing/subscription", GET=wiring.subscription)
        yield _route(f"{base}/dashboard/billing/usage", GET=wiring.billed)
    for path in (*(f"{base}/messages" for base in BASES), *MESSAGES_PATHS):
        yield _route(path, POST=wiring.messages)
        yield _route(f"{path}/count_tokens", POST=wiring.count_messages)
    for base in GEMINI_BASES[len(BASES) :]:
        yield _route(f"{base}/models", GET=wiring.models)
    for base in GEMINI_BASES:
        yield _route(f"{base}/models/{{model:path}}", GET=wiring.actions, POST=wiring.actions)
        yield _route(f"{base}/tunedModels/{{model:path}}", GET=wiring.actions, POST=wiring.actions)
    for path in control_plane.PATHS:
        yield Route(path, wiring.control_plane)
    yield _route("/api/hello", GET=Hello(), HEAD=Hello())
    alive, ready = Probe(lambda: True), Probe(wiring.ready)
    yield _route("/healthz", GET=alive, HEAD=alive)
    yield _route("/readyz", GET=ready, HEAD=ready)


def _route(path: str, **handlers: App) -> Route:
    return Route(path, ByMethod(handlers))
