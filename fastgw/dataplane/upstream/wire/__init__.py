"""The default transport to providers: asyncio protocols on the event loop, pooled per origin."""

from fastgw.dataplane.upstream.wire.carrier import WireTransport
from fastgw.dataplane.upstream.wire.connection import WireBounds

__all__ = ["WireBounds", "WireTransport"]
