"""One worker for all cells: real routes, store, journal and transport, and one provider that speaks four dialects."""

import asyncio
import base64
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from fastgw import apikey
from fastgw.app.worker_app import asgi
from fastgw.exchange import Principal
from fastgw.limits import Limits
from fastgw.providers import VENDORS
from fastgw.settings import load
from fastgw.storage.valkey import embedded
from fastgw.storage.valkey.keys import KeyMirror
from tests.cells.callers import CALLERS
from tests.cells.question import PNG, Received
from tests.dataplane.caller import Caller
from tests.fakes import FakeProvider

MODELS = {"chat": "fake-1", "responses": "fake-1", "messages": "claude-sonnet-4-5", "gemini": "gemini-3-pro"}
"""Of the provider that is called like its dialect."""

ABILITIES = {"chat": "abilities = { stop_max = 4 }"}
"""Where the cells show what the newest models of a vendor cannot take."""


class Ground:
    """The worker and its provider."""

    def __init__(self, app: Any, key: str, provider: FakeProvider) -> None:
        self.app = app
        self.key = key
        self.provider = provider

    async def ask(self, caller: str, path: str, body: Any, *, gate: threading.Event | None = None) -> Received:
        """One exchange over the caller's path; `body` goes out as JSON. `gate` is set once words have come."""
        sent = self.call(caller, path, body)
        if gate is not None:
            await sent.start().until(lambda one: b"Hel" in one.text or one.ended)
            gate.set()
        await sent.answer()
        found = {name.decode().lower(): value.decode() for name, value in sent.sent[0]["headers"]}
        return Received(sent.status, found, sent.text, sent.ended)

    def call(self, caller: str, path: str, body: Any) -> Caller:
        """The same, not yet started."""
        target, _, query = path.partition("?")
        made = Caller(self.app, self.key, body, path=target, query_string=query.encode())
        told = {"content-type": "application/json", "content-length": str(len(made.body))}
        headers = CALLERS[caller].headers(self.key) | told
        made.scope["headers"] = [(name.encode(), value.encode()) for name, value in headers.items()]
        made.scope["raw_path"] = target.encode()
        return made

    @property
    def image_url(self) -> str:
        """Where the provider keeps a picture; for who fetches it."""
        return f"http://127.0.0.1:{self.provider.port}/cat.png"


def toml(provider: FakeProvider) -> str:
    """A provider of each dialect, all on one fake."""
    vendors = {"chat": "openai", "responses": "openai", "messages": "anthropic", "gemini": "gemini"}
    entries = [f'[guard]\nfetch_hosts = ["127.0.0.1:{provider.port}"]']
    for name, vendor in vendors.items():
        url = provider.gemini_url if name == "gemini" else provider.url
        more = ABILITIES.get(name, "")
        entries.append(
            f'[[providers]]\nname = "{name}"\nvendor = "{vendor}"\nbase_url = "{url}"\nspeaks = ["{name}"]\n'
            f'secret = "sk-upstream-{name}"\nmodels = ["{MODELS[name]}"]\nlist_models = false\n{more}'
        )
    return "\n".join(entries)


@asynccontextmanager
async def serving(folder: Path, provider: FakeProvider, config_toml: str) -> AsyncIterator[Ground]:
    """A worker with this configuration and a key; at its end nothing is left running."""
    server = embedded.start(folder)
    config = folder / "gateway.toml"
    config.write_text(config_toml)
    app = asgi(load({"FASTGW_DATA_DIR": str(folder), "FASTGW_REDIS_URL": server.url}, config, VENDORS))
    mirror = KeyMirror(server.url)
    key = apikey.mint()
    await mirror.sync([Principal("key_ground", apikey.digest(key), 1, "ground", Limits(), ())])
    async with app.router.lifespan_context(app):
        yield Ground(app, key, provider)
        async with asyncio.timeout(30):
            while app.state.drain.active:
                await asyncio.sleep(0.01)
    await mirror.aclose()
    server.stop()


@pytest_asyncio.fixture(scope="package", loop_scope="package")
async def _ground(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Ground]:
    with FakeProvider() as provider:
        provider.files["/cat.png"] = ("image/png", base64.b64decode(PNG))
        async with serving(tmp_path_factory.mktemp("cells"), provider, toml(provider)) as ground:
            yield ground


@pytest.fixture
def ground(_ground: Ground) -> Ground:
    """The shared worker before a provider that remembers nothing."""
    _ground.provider.forget()
    return _ground
