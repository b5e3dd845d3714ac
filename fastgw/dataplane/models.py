"""`GET /v1/models` and `/v1/models/{id}` in the caller's shape, with prices: only what the key may use.

OpenAI, Anthropic and Google all list models at this path. Who asks is told by the path (`/v1beta` is Google's), by the
header `anthropic-version`, which Anthropic's SDKs always send, and by `x-goog-api-key`; anybody else gets OpenAI's.
"""

from collections.abc import MutableMapping
from typing import Any
from urllib.parse import parse_qs

import msgspec

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane.asking import Denied, admit_free, unknown_model
from fastgw.dataplane.flight import Flight, Phase, Receive
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.patrol import Patrol
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.reply import JSON_HEADERS, head, send_error
from fastgw.dataplane.routing.catalog import ModelInfo, allowed
from fastgw.dataplane.stages import Stages
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.money.amounts import PPM
from fastgw.money.tariffs import with_margin
from fastgw.protocols.listing import anthropic, google, openai
from fastgw.protocols.listing.entry import Query, Shape

_SHAPES: dict[str, Shape] = {"chat": openai, "messages": anthropic, "gemini": google}
QUERY_FIELDS_MAX = 32


class Models:
    """Lists models, or shows one whose id is the rest of the path (ids may hold `/`)."""

    def __init__(self, stages: Stages, patrol: Patrol) -> None:
        self._s = stages
        self._patrol = patrol
        self._mint = Minter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        now_ms = wall_ms()
        dialect = asked_in(scope)
        flight = Flight(self._mint.next(now_ms), monotonic_ns(), now_ms, None, receive, Downstream(send), dialect)
        flight.phase = Phase.WAITING
        try:
            principal = await admit_free(self._s, flight, scope)
            name = scope.get("path_params", {}).get("model")
            if name is None:
                body = self._list(principal, dialect, query_of(scope["query_string"]))
            else:
                body = self._show(principal, dialect, name)
        except GatewayError as error:
            await send_error(flight, error, error.rate if isinstance(error, Denied) else None)
            return
        await flight.down.start(200, head(flight, JSON_HEADERS))
        await flight.down.finish(body)

    def _list(self, principal: Principal, dialect: str, query: Query) -> bytes:
        infos = self._s.catalog.current.models(wall_ms())
        mine = [_paid(principal, info) for info in infos if self._visible(principal, info.id)]
        return _SHAPES[dialect].listed(mine, query)

    def _show(self, principal: Principal, dialect: str, name: str) -> bytes:
        if dialect == "gemini":
            name = name.removeprefix("models/")
        info = self._s.catalog.current.model(name, wall_ms())
        if info is None or not self._visible(principal, info.id):
            raise unknown_model(name[:256])
        return _SHAPES[dialect].shown(_paid(principal, info))

    def _visible(self, principal: Principal, name: str) -> bool:
        if not principal.models:
            return True
        ways = self._s.catalog.current.resolve(name)
        return any(allowed(principal.models, way.public_model, name) for way in ways)


def _paid(principal: Principal, info: ModelInfo) -> ModelInfo:
    """The model with the price that this caller pays."""
    if principal.margin_ppm == PPM or info.price is None:
        return info
    return msgspec.structs.replace(info, price=with_margin(info.price, principal.margin_ppm))


def asked_in(scope: MutableMapping[str, Any]) -> str:
    """The dialect of who asks at a path that several have in common."""
    if "/v1beta/" in scope["path"]:
        return "gemini"
    names = {name for name, _ in scope["headers"]}
    if b"anthropic-version" in names:
        return "messages"
    return "gemini" if b"x-goog-api-key" in names else "chat"


def query_of(raw: bytes) -> Query:
    """A query string's values by their names. Raises `GatewayError` (400)."""
    try:
        return parse_qs(raw.decode("latin-1"), max_num_fields=QUERY_FIELDS_MAX)
    except ValueError as exc:
        raise GatewayError(ErrorKind.BAD_REQUEST, "The query string has too many fields.") from exc
