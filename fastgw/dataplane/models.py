"""`GET /v1/models` and `/v1/models/{id}` in OpenAI's shape, with prices: only what the key may use."""

from collections.abc import MutableMapping
from typing import Any

import msgspec

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.dataplane.asking import Denied, admit_free
from fastgw.dataplane.flight import Flight, Phase, Receive
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.patrol import Patrol
from fastgw.dataplane.relay.downstream import Downstream, Send
from fastgw.dataplane.reply import JSON_HEADERS, head, send_error
from fastgw.dataplane.routing.catalog import ModelInfo, allowed
from fastgw.dataplane.stages import Stages
from fastgw.errors import ErrorKind, GatewayError
from fastgw.exchange import Principal
from fastgw.settings.values import Price

_encode = msgspec.json.encode

CREATED_UNKNOWN_S = 1_626_777_600
"""OpenAI's shape needs a number; this one is what gateways of this family have always sent for "unknown"."""


class _Pricing(msgspec.Struct, omit_defaults=True):
    """USD per token as decimal strings, as OpenRouter lists them (openrouter.ai/docs, 2026-08)."""

    prompt: str
    completion: str
    input_cache_read: str = ""
    input_cache_write: str = ""


class _Model(msgspec.Struct):
    id: str
    created: int
    owned_by: str
    object: str = "model"
    context_length: int | msgspec.UnsetType = msgspec.UNSET
    max_output_tokens: int | msgspec.UnsetType = msgspec.UNSET
    pricing: _Pricing | msgspec.UnsetType = msgspec.UNSET


class _List(msgspec.Struct):
    data: list[_Model]
    object: str = "list"


class Models:
    """Lists models, or shows one whose id is the rest of the path (ids may hold `/`)."""

    def __init__(self, stages: Stages, patrol: Patrol) -> None:
        self._s = stages
        self._patrol = patrol
        self._mint = Minter()

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        now_ms = wall_ms()
        flight = Flight(self._mint.next(now_ms), monotonic_ns(), now_ms, None, receive, Downstream(send))
        flight.phase = Phase.WAITING
        try:
            principal = await admit_free(self._s, flight, scope)
            name = scope.get("path_params", {}).get("model")
            body = self._list(principal) if name is None else self._show(principal, name)
        except GatewayError as error:
            await send_error(flight, error, error.rate if isinstance(error, Denied) else None)
            return
        await flight.down.start(200, head(flight, JSON_HEADERS))
        await flight.down.finish(body)

    def _list(self, principal: Principal) -> bytes:
        infos = self._s.catalog.current.models()
        return _encode(_List([_model(info) for info in infos if self._visible(principal, info.id)]))

    def _show(self, principal: Principal, name: str) -> bytes:
        info = self._s.catalog.current.model(name)
        if info is None or not self._visible(principal, info.id):
            raise GatewayError(ErrorKind.MODEL_NOT_FOUND, f"The model '{name[:256]}' does not exist.", param="model")
        return _encode(_model(info))

    def _visible(self, principal: Principal, name: str) -> bool:
        if not principal.models:
            return True
        ways = self._s.catalog.current.resolve(name)
        return any(allowed(principal.models, way.public_model, name) for way in ways)


def _model(info: ModelInfo) -> _Model:
    return _Model(
        id=info.id,
        created=info.created or CREATED_UNKNOWN_S,
        owned_by=info.owned_by,
        context_length=info.context_length or msgspec.UNSET,
        max_output_tokens=info.max_output or msgspec.UNSET,
        pricing=_pricing(info.price) if info.price is not None else msgspec.UNSET,
    )


def _pricing(price: Price) -> _Pricing:
    return _Pricing(
        prompt=_usd_per_token(price.input),
        completion=_usd_per_token(price.output),
        input_cache_read=_usd_per_token(price.cache_read) if price.cache_read else "",
        input_cache_write=_usd_per_token(price.cache_write) if price.cache_write else "",
    )


def _usd_per_token(nano_usd_per_mtok: int) -> str:
    """Exact decimal of nano-USD per million tokens: 15 places, without trailing zeros."""
    whole, fraction = divmod(nano_usd_per_mtok, 10**15)
    return f"{whole}.{fraction:015d}".rstrip("0").rstrip(".")
