"""TLS contexts by settings name and by the HTTP versions that the handshake offers."""

import asyncio
import ssl
from collections.abc import Mapping

from fastgw.settings.values import ProviderTls


def make_context(tls: ProviderTls, alpn: tuple[str, ...]) -> ssl.SSLContext:
    """A client context; reads files, so it blocks. Raises `OSError` or `ssl.SSLError` when one of them is unfit."""
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.client_cert:
        context.load_cert_chain(tls.client_cert, tls.client_key or None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


class Trust:
    """Makes each context once and off the loop: loading the system's certificates takes tens of milliseconds."""

    def __init__(self, tls: Mapping[str, ProviderTls]) -> None:
        self._tls = dict(tls)
        self._made: dict[tuple[str, tuple[str, ...]], asyncio.Future[ssl.SSLContext]] = {}

    async def context(self, name: str, alpn: tuple[str, ...]) -> ssl.SSLContext:
        """The context of the settings called `name`; the empty name has defaults unless it was given.

        Raises `OSError`, `ssl.SSLError`, or `KeyError` for an unknown name; the next call tries again.
        """
        key = (name, alpn)
        made = self._made.get(key)
        if made is None or (made.done() and (made.cancelled() or made.exception() is not None)):
            tls = self._tls[name] if name else self._tls.get("", ProviderTls())
            loop = asyncio.get_running_loop()
            made = self._made[key] = loop.run_in_executor(None, make_context, tls, alpn)
        return await asyncio.shield(made)
