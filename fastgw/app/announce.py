"""What `serve` tells the person who started it: on standard output, once, and ready to paste."""

import sys

import msgspec

from fastgw import __version__
from fastgw.settings import Settings

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - compared with, not bound to
MODEL_FIRST = "sandbox/echo"


def starting(settings: Settings) -> None:
    """The first line, before anything slow."""
    _say(f"fastgw {__version__} starts; data in {settings.stores.data_dir}")


def ready(settings: Settings, key: str) -> None:
    """The address and, when a key was minted, the key and a request to paste. A key is shown this once only."""
    address = url(settings)
    if not key:
        _say(f"Ready on {address}")
        return
    body = msgspec.json.encode({"model": MODEL_FIRST, "messages": [{"role": "user", "content": "Hello"}]}).decode()
    insecure = "--insecure " if settings.listen.tls_cert else ""
    _say(
        f"Ready on {address}\n\n"
        f"API key, shown this once: {key}\n\n"
        f"Try it:\n\n"
        f"  curl {insecure}{address}/v1/chat/completions \\\n"
        f"    -H 'Authorization: Bearer {key}' \\\n"
        f"    -H 'Content-Type: application/json' \\\n"
        f"    -d '{body}'\n"
    )


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
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
