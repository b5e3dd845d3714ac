"""From the headers of a request to its principal, without waiting for anything in the common case."""

from typing import Protocol

from fastgw.exchange import Principal

Headers = list[tuple[bytes, bytes]]


class Authenticator(Protocol):
    """What the pipeline sees of `Keys`: `principal = keys.lookup(...) or await keys.authenticate(...)`."""

    def lookup(self, headers: Headers, query_string: bytes, address: str) -> Principal | None:
        """The principal of a known key, with every check done; None if only `authenticate` can tell."""

    async def authenticate(self, headers: Headers, query_string: bytes, address: str) -> Principal:
        """The principal, after one read of the store at most. Raises `GatewayError`."""
