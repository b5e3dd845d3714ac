"""Which models each provider lists: asked for in the background, so that no request ever waits for it."""

import asyncio
import logging
import random
import ssl
from collections.abc import Mapping, Sequence

import httpx
import msgspec

from fastgw.keeper.pause import pause
from fastgw.keeper.ports import ModelBoard
from fastgw.providers.vendor import Vendor
from fastgw.settings.values import ProviderSettings, ProviderTls

_log = logging.getLogger("fastgw.keeper")

TOTAL_S = 20.0
"""One request, from connecting to the last byte."""
LIST_BYTES_MAX = 8 * 1024 * 1024
"""OpenRouter's list of some 400 models with all their data has about 600 KB (2026)."""
NAMES_MAX = 20_000
NAME_LENGTH_MAX = 256
TRIES = 4
BACKOFF_S = 1.0
"""Before the second try at most; doubles with each, a random part of it is waited."""


class ListFailed(Exception):
    """A provider's list could not be had. The text is for the operator's log and holds no secret."""

    def __init__(self, text: str, *, again: bool) -> None:
        super().__init__(text)
        self.again = again
        """Another try soon may help."""


class _Listed(msgspec.Struct):
    id: str


class _Named(msgspec.Struct):
    name: str


class _List(msgspec.Struct):
    """OpenAI's shape has `data`, Gemini's `models`."""

    data: list[_Listed] | None = None
    models: list[_Named] | None = None


_decode = msgspec.json.Decoder(_List).decode


class ModelLists:
    """Asks each provider for its list, and puts it on the board."""

    def __init__(
        self,
        providers: Sequence[ProviderSettings],
        vendors: Mapping[str, Vendor],
        board: ModelBoard,
        *,
        refresh_s: float,
        backoff_s: float = BACKOFF_S,
    ) -> None:
        self._providers = [
            one for one in providers if one.list_models and one.base_url and vendors[one.vendor].lists_models
        ]
        self._vendors = vendors
        self._board = board
        self._refresh_s = refresh_s
        self._backoff_s = backoff_s

    async def run(self, stop: asyncio.Event) -> None:
        """Ask all providers now and every `refresh_s`, each on its own, until `stop` is set."""
        async with asyncio.TaskGroup() as group:
            for provider in self._providers:
                group.create_task(self._follow(provider, stop), name=f"models of {provider.name}")

    async def _follow(self, provider: ProviderSettings, stop: asyncio.Event) -> None:
        while True:
            await self._refresh(provider, stop)
            # Providers and machines are asked at different times, so that they do not all come at once for ever.
            if await pause(stop, self._refresh_s * random.uniform(0.9, 1.1)):  # noqa: S311 - no secret depends on it
                return

    async def _refresh(self, provider: ProviderSettings, stop: asyncio.Event) -> None:
        for attempt in range(TRIES):
            try:
                names = await self.ask(provider)
                await self._board.publish(provider.name, names)
            except ListFailed as failed:
                _log.log(
                    logging.DEBUG if failed.again and attempt + 1 < TRIES else logging.WARNING,
                    "models of %s cannot be listed: %s",
                    provider.name,
                    failed,
                )
                if not failed.again:
                    return
            # Boards raise errors of their own kinds, and if this loop ended, the list would stay as it is for ever.
            # Until the next try publishes again, the last one counts.
            except Exception as error:
                _log.warning("models of %s cannot be published", provider.name, exc_info=error)
            else:
                return
            ceiling_s = self._backoff_s * 2**attempt
            if await pause(stop, random.uniform(0, ceiling_s)):  # noqa: S311 - full jitter, no secret
                return

    async def ask(self, provider: ProviderSettings) -> list[str]:
        """The names that `provider` lists, with its first credential that works. Raises `ListFailed`."""
        vendor = self._vendors[provider.vendor]
        secrets = [credential.secret for credential in provider.credentials] or [""]
        for i, secret in enumerate(secrets):
            url, headers = vendor.models_request(provider.base_url, secret)
            try:
                return await _fetch(provider, url, headers)
            except ListFailed as failed:
                if failed.again or i == len(secrets) - 1:
                    raise
        raise AssertionError("the last credential returns or raises")


async def _fetch(provider: ProviderSettings, url: str, headers: tuple[tuple[bytes, bytes], ...]) -> list[str]:
    own = [(name.encode("ascii"), value.encode("ascii")) for name, value in provider.headers.items()]
    try:
        async with asyncio.timeout(TOTAL_S):
            # A client of its own: every few minutes one request, and nothing kept open in between.
            async with _client(provider) as client, client.stream("GET", url, headers=[*headers, *own]) as response:
                if response.status_code != 200:
                    status = response.status_code
                    raise ListFailed(f"it answered {status}", again=status in {408, 429} or status >= 500)
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > LIST_BYTES_MAX:
                        raise ListFailed(f"its list has more than {LIST_BYTES_MAX} bytes", again=False)
    except TimeoutError as error:
        raise ListFailed(f"no answer within {TOTAL_S:g} s", again=True) from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise ListFailed(f"{type(error).__name__}: {error}", again=True) from error
    return _names(bytes(body))


def _names(body: bytes) -> list[str]:
    try:
        listed = _decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise ListFailed(f"its list is not one: {error}", again=False) from error
    if listed.data is None and listed.models is None:
        raise ListFailed("its list is not one: it has neither data nor models", again=False)
    found = [one.id for one in listed.data or ()] + [one.name for one in listed.models or ()]
    names = dict.fromkeys(name for name in found if 0 < len(name) <= NAME_LENGTH_MAX and name.isprintable())
    if len(names) > NAMES_MAX:
        raise ListFailed(f"it lists more than {NAMES_MAX} models", again=False)
    return list(names)


def _client(provider: ProviderSettings) -> httpx.AsyncClient:
    return httpx.AsyncClient(
        verify=_tls(provider.tls),
        proxy=provider.proxy or None,
        # Without a proxy of its own the provider is reached as the environment says (`HTTPS_PROXY`, `NO_PROXY`).
        trust_env=not provider.proxy,
        timeout=httpx.Timeout(TOTAL_S),
        headers={"user-agent": "fastgw", "accept": "application/json"},
    )


def _tls(tls: ProviderTls) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=tls.ca_file or None)
    if not tls.verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if tls.client_cert:
        context.load_cert_chain(tls.client_cert, tls.client_key or None)
    return context
