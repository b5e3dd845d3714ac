"""What `serve` tells the person who started it: on standard output, once, and ready to paste."""

import contextlib
import sys

import msgspec

from fastgw import __version__
from fastgw.settings import Settings
from fastgw.settings.vendor_facts import SANDBOX

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to
SANDBOX_MODEL = "echo"


def starting(settings: Settings) -> None:
    """The first line, before anything slow."""
    _say(f"fastgw {__version__} starts; data in {settings.stores.data_dir}")


def ready(settings: Settings, key: str) -> None:
    """The address and, when a key was minted, the key and a request to paste. A key is shown this once only."""
    address = url(settings)
    if not key:
        _say(f"Ready on {address}")
        return
    _say(f"Ready on {address}\n\nAPI key, shown this once: {key}\n\nTry it:\n\n  {_request(settings, address, key)}\n")


def _request(settings: Settings, address: str, key: str) -> str:
    """A curl line that works: it asks a model if one is sure to be there, else for the models that there are."""
    curl = "curl --insecure" if settings.listen.tls_cert else "curl"
    authorization = f"-H 'Authorization: Bearer {key}'"
    model = _model(settings)
    if not model:
        return f"{curl} {address}/v1/models {authorization}"
    body = msgspec.json.encode({"model": model, "messages": [{"role": "user", "content": "Hello"}]}).decode()
    body = body.replace("'", "'\\''")
    return (
        f"{curl} {address}/v1/chat/completions \\\n"
        f"    {authorization} \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'"
    )


def _model(settings: Settings) -> str:
    """A model that the settings name; empty when only the providers know theirs."""
    if settings.models:
        return settings.models[0].name
    for provider in settings.providers:
        if provider.models:
            return f"{provider.name}/{provider.models[0]}"
        if provider.vendor == SANDBOX:
            return f"{provider.name}/{SANDBOX_MODEL}"
    return ""


def stopping() -> None:
    """The answer to the first Ctrl-C."""
    _say("\nStopping: running requests may finish; Ctrl-C again cuts them.")


def url(settings: Settings) -> str:
    """Where a client on this machine reaches the gateway."""
    listen = settings.listen
    host = _EVERYWHERE.get(listen.host, listen.host)
    host = f"[{host}]" if ":" in host else host
    return f"{'https' if listen.tls_cert else 'http'}://{host}:{listen.port}"


def _say(text: str) -> None:
    # Whoever read our output may have gone (`fastgw serve | head`); that is no reason to stop serving.
    with contextlib.suppress(BrokenPipeError):
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
