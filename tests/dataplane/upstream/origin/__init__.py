"""A scriptable origin server on real sockets: raw control over what it sends, and a record of what it got."""

from tests.dataplane.upstream.origin.certificates import Certificates
from tests.dataplane.upstream.origin.exchange import PATIENCE_S, Connection, Exchange, HangUp, until
from tests.dataplane.upstream.origin.http1 import Http1Connection, Http1Exchange
from tests.dataplane.upstream.origin.http2 import Http2Connection, Http2Exchange
from tests.dataplane.upstream.origin.proxy import ForwardProxy
from tests.dataplane.upstream.origin.server import Origin, RawServer

__all__ = [
    "PATIENCE_S",
    "Certificates",
    "Connection",
    "Exchange",
    "ForwardProxy",
    "HangUp",
    "Http1Connection",
    "Http1Exchange",
    "Http2Connection",
    "Http2Exchange",
    "Origin",
    "RawServer",
    "until",
]
