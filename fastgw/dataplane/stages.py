"""What the pipeline asks of each stage: its ports, and the bundle in which the composition root hands them over."""

from collections.abc import Mapping, Sequence
from typing import Protocol

import msgspec

from fastgw.dataplane.admission.gate import Gate
from fastgw.dataplane.auth.address import Addresses
from fastgw.dataplane.auth.keys import Keys
from fastgw.dataplane.ingress.body import BodyBudget
from fastgw.dataplane.remember import Remember
from fastgw.dataplane.replay import Replay
from fastgw.dataplane.routing.catalog import Catalog
from fastgw.dataplane.routing.failover import Cooling
from fastgw.dataplane.settlement.settle import Settlement
from fastgw.dataplane.upstream.transport import Request, Transport
from fastgw.protocols.hub.conversation import Source
from fastgw.settings import Settings


class CatalogHolder(Protocol):
    """The current catalogue; background refreshes replace it as a whole."""

    @property
    def current(self) -> Catalog:
        """The snapshot to use for one exchange."""


class MediaFetcher(Protocol):
    """Fetches what a provider cannot fetch itself."""

    async def fetch_all(self, urls: Sequence[str]) -> Mapping[str, Source]:
        """The media behind `urls`, inline. Raises `GatewayError` (400) for one that may not or cannot be had."""


class Signer(Protocol):
    """Completes the credential of a request."""

    async def sign(self, request: Request) -> Request:
        """The request with its credential. Raises `TransportError` when none can be had."""


class Stages(msgspec.Struct, frozen=True):
    """Everything that the pipeline wires together."""

    settings: Settings
    addresses: Addresses
    keys: Keys
    gate: Gate
    catalog: CatalogHolder
    cooling: Cooling
    transport: Transport
    settlement: Settlement
    bodies: BodyBudget
    fetcher: MediaFetcher
    remember: Remember
    replay: Replay
    signers: Mapping[str, Signer]
    """By `Candidate.signer`."""
