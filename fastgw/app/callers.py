"""Who calls the control plane: by API key through the same stages as a model call, or by address alone."""

import contextlib

from fastgw.clock import monotonic_ns, wall_ms
from fastgw.controlplane.answering import Request
from fastgw.controlplane.ports import Holder
from fastgw.dataplane.asking import admit_free
from fastgw.dataplane.auth.keys import KeyStore
from fastgw.dataplane.flight import Flight
from fastgw.dataplane.minting import Minter
from fastgw.dataplane.relay.downstream import Downstream
from fastgw.dataplane.stages import Stages
from fastgw.errors import GatewayError


class Callers:
    """Implements `controlplane.ports.Callers`."""

    def __init__(self, stages: Stages, attempts: KeyStore) -> None:
        self._stages = stages
        self._attempts = attempts
        self._wrong_max = stages.settings.guard.wrong_keys_per_min
        self._mint = Minter()

    async def holder(self, request: Request) -> Holder:
        """By the API key, within its limits of requests. Raises `GatewayError`."""
        now_ms = wall_ms()
        flight = Flight(self._mint.next(now_ms), monotonic_ns(), now_ms, None, _nothing, Downstream(_nowhere))
        principal = await admit_free(self._stages, flight, request.scope)
        return Holder(principal.key_id, principal.account_id, flight.bucket)

    def address(self, request: Request) -> tuple[str, str]:
        """The client's address, and the name that limits count it by."""
        peer = request.scope["client"]
        found = self._stages.addresses.client(peer[0] if peer else "", request.scope["headers"])
        return found.address, found.bucket

    async def blocked(self, bucket: str) -> bool:
        """Whether an address has tried too many wrong keys, codes or tokens this minute."""
        if self._wrong_max <= 0:
            return False
        # Without a store nothing is counted, and what is wrong stays wrong.
        with contextlib.suppress(GatewayError):
            return await self._attempts.wrong(bucket, 0) >= self._wrong_max
        return False

    async def wrong(self, bucket: str) -> None:
        """Count one more."""
        if self._wrong_max > 0:
            with contextlib.suppress(GatewayError):
                await self._attempts.wrong(bucket, 1)


async def _nothing() -> dict[str, object]:
    return {"type": "http.disconnect"}


async def _nowhere(_message: object) -> None:
    return
