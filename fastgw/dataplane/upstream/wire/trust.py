"""TLS contexts by settings name and by the HTTP versions that the handshake offers."""

import asyncio
import os
import ssl
from collections.abc import Mapping

import certifi

from fastgw.settings.values import ProviderTls


def make_context(tls: ProviderTls, alpn: tuple[str, ...]) -> ssl.SSLContext:
    """A client context; reads files, so it blocks. Raises `OSError` or `ssl.SSLError` when one of them is unfit."""
    context = ssl.create_default_context(cafile=tls.ca_file or _authorities_file() or None)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if tls.client_cert:
        context.load_cert_chain(tls.client_cert, tls.client_key or None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    context.set_alpn_protocols(list(alpn))
    return context


def _authorities_file() -> str:
    """Empty where the system has authorities; else, as on slim images and Python's own build for macOS, certifi's."""
    paths = ssl.get_default_verify_paths()
    there = paths.cafile or (paths.capath and os.listdir(paths.capath))
    return "" if there else certifi.where()


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
