"""Calls to a provider's API: only to its configured address, no redirects, answers of a bounded size, bounded waits."""

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from fastgw.controlplane.payments.provider import ProviderFailed

TOTAL_S = 20.0
"""One call, from connecting to the last byte."""
ANSWER_BYTES_MAX = 1024 * 1024
"""Of an answer. A payment or a session has 2 to 10 KB (2026)."""
WORD_CHARS_MAX = 100
_AGAIN = frozenset({408, 409, 425, 429})
"""Answers below 500 after which the same call may succeed; 409 is Stripe's for one with the same idempotency key that
still runs (docs.stripe.com/api/idempotent_requests, 2026-11)."""


class Line:
    """A provider's API at one address, with the headers that say who asks."""

    def __init__(self, base_url: str, headers: Mapping[str, str]) -> None:
        self._base_url = base_url.rstrip("/")
        self._headers = {"user-agent": "fastgw", "accept": "application/json", **headers}
        self._tls: ssl.SSLContext | None = None

    async def get(self, *path: str) -> bytes:
        """The object at `path`, whose segments are quoted here. Raises `ProviderFailed`."""
        return await self._call("GET", path, b"", {})

    async def post(self, *path: str, body: bytes, media_type: str, headers: Mapping[str, str]) -> bytes:
        """The answer to `body`. Raises `ProviderFailed`."""
        return await self._call("POST", path, body, {"content-type": media_type, **headers})

    async def _call(self, method: str, path: tuple[str, ...], body: bytes, headers: Mapping[str, str]) -> bytes:
        # Loaded with the first call: a worker that never sees a payment does without its 10 MB.
        import httpx  # noqa: PLC0415

        if self._tls is None:
            # Reading the certificates of all authorities takes 20 ms: once, and not on the loop.
            self._tls = await asyncio.to_thread(httpx.create_ssl_context)
        url = "/".join([self._base_url, *(quote(segment, safe="") for segment in path)])
        answer = bytearray()
        try:
            async with (
                asyncio.timeout(TOTAL_S),
                httpx.AsyncClient(
                    verify=self._tls, timeout=TOTAL_S, follow_redirects=False, headers=self._headers
                ) as client,
                client.stream(method, url, content=body or None, headers=headers) as response,
            ):
                async for chunk in response.aiter_bytes():
                    answer += chunk
                    if len(answer) > ANSWER_BYTES_MAX:
                        raise ProviderFailed(f"its answer has more than {ANSWER_BYTES_MAX} bytes", again=False)
        except TimeoutError:
            raise ProviderFailed(f"no answer within {TOTAL_S:g} s", again=True) from None
        except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
            # Without the error itself: it carries the request, and with it who asks.
            raise ProviderFailed(f"it cannot be reached ({type(error).__name__})", again=True) from None
        if not 200 <= response.status_code < 300:
            status = response.status_code
            raise ProviderFailed(f"it answered {status}{_why(answer)}", again=status in _AGAIN or status >= 500)
        return bytes(answer)


class _Error(msgspec.Struct):
    """Stripe says `{"error": {"type", "code"}}`, the others `{"code"}`. Messages may repeat what they were sent."""

    error: dict[str, object] = {}
    code: str = ""


def _why(answer: bytearray) -> str:
    """The provider's word for what is wrong, if it says one in its usual shape."""
    try:
        said = msgspec.json.decode(answer, type=_Error)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    code = said.error.get("code") or said.error.get("type") or said.code
    return f", {word(code)}" if isinstance(code, str) and code else ""


def word(text: str) -> str:
    """What a stranger sent, fit for a log: printable ASCII and not long."""
    return "".join(char if char.isascii() and char.isprintable() else "?" for char in text[:WORD_CHARS_MAX])
