"""Gemini's paths, `models/{model}:{action}`: which handler serves an action, and what the path says to it."""

import re
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from typing import Any

from fastgw.dataplane.edges import App, ByMethod, Unknown
from fastgw.dataplane.flight import Receive
from fastgw.dataplane.ingress.paths import Action, gemini_path, said_by
from fastgw.dataplane.relay.downstream import Send
from fastgw.protocols.hub.dialect import FromPath

_BASE = re.compile(r"(?:/api)?(?:/v1(?:beta)?)?/")
"""What stands before `models/…` or `tunedModels/…`."""

Handler = Callable[[MutableMapping[str, Any], Receive, Send, FromPath], Awaitable[None]]


class Actions:
    """Everything below one `…/models/` of Gemini's: `POST` acts, anything else is the list's.

    An ASGI application. What no handler serves is answered with 404.
    """

    def __init__(self, handlers: Mapping[Action, Handler], listed: App, unknown: App | None = None) -> None:
        self._handlers = handlers
        self._listed = listed
        self._unknown = unknown or Unknown()
        self._only_post = ByMethod({"POST": self._unknown})

    def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> Awaitable[None]:
        """Serve one request."""
        found = gemini_path(_BASE.sub("", scope["path"], count=1))
        if scope["method"] != "POST":
            # A name may end like an action where nothing acts; a path with a real action is only ever posted to.
            acts = found is not None and found.action in self._handlers
            return (self._only_post if acts else self._listed)(scope, receive, send)
        handler = self._handlers.get(found.action) if found is not None and found.action else None
        if found is None or handler is None:
            return self._unknown(scope, receive, send)
        return handler(scope, receive, send, said_by(found, scope["query_string"]))
