"""Access tokens: fetched when they are needed, kept for their life, renewed ahead of its end; one fetch at a time."""

import asyncio
import logging
from collections.abc import Callable

import httpx
import msgspec

from fastgw.dataplane.upstream.transport import Failure, Request, TransportError
from fastgw.observe.tasks import spawn

_log = logging.getLogger("fastgw.upstream")

FETCH_S = 10.0
"""One fetch, from connecting to the last byte."""
ANSWER_BYTES_MAX = 64 * 1024
AHEAD_MS = 300_000
"""A token is renewed in the background when less than this is left of its life, or less than a tenth of it."""
LIFE_MAX_MS = 86_400_000
LIFE_DEFAULT_MS = 300_000
"""When the answer does not say how long the token lives."""
AGAIN_MS = 2_000
"""After a failure the next fetch waits this long; requests in between fail at once."""


class Question(msgspec.Struct, frozen=True):
    """A form to be posted for a token."""

    url: str
    form: dict[str, str]


class _Answer(msgspec.Struct):
    access_token: str
    expires_in: int = 0
    """Seconds."""


_decode = msgspec.json.Decoder(_Answer, strict=False).decode


class Tokens:
    """The current token of one credential. For one event loop."""

    def __init__(self, question: Callable[[], Question], proxy: str, now_ms: Callable[[], int]) -> None:
        self._question = question
        self._proxy = proxy
        self._now_ms = now_ms
        self._token = b""
        self._renew_ms = 0
        self._end_ms = 0
        self._fetching: asyncio.Task[None] | None = None
        self._failed_ms = -AGAIN_MS
        self._failure = ""

    async def current(self) -> bytes:
        """A token that is good now. Raises `TransportError`."""
        now_ms = self._now_ms()
        if now_ms >= self._renew_ms:
            fetching = self._fetch(now_ms)
            if now_ms >= self._end_ms:
                if fetching is not None:
                    # The fetch is everybody's: who hangs up leaves the others waiting for it.
                    await asyncio.shield(fetching)
                if self._now_ms() >= self._end_ms:
                    raise TransportError(Failure.CONNECT, f"no access token: {self._failure}", sent=False)
        return self._token

    def _fetch(self, now_ms: int) -> asyncio.Task[None] | None:
        """The running fetch, a new one, or None so soon after a failure."""
        if self._fetching is None and now_ms - self._failed_ms >= AGAIN_MS:
            self._fetching = spawn(self._renew(), name="access token")
        return self._fetching

    async def _renew(self) -> None:
        try:
            answer = await self._ask()
            if not (answer.access_token.isascii() and answer.access_token.isprintable()):
                raise _Refused("the answer holds one that no header can carry")
            token = b"Bearer " + answer.access_token.encode("ascii")
        except msgspec.DecodeError:
            # What the decoder says may quote a token: it is not repeated.
            self._fail("the answer holds none")
        # Whatever went wrong (network, TLS, an answer of any shape, a key that cannot sign): `_fail` logs it, those who
        # wait are told that there is no token, and the next fetch tries again.
        except Exception as error:
            self._fail(str(error) or type(error).__name__)
        else:
            now_ms = self._now_ms()
            life_ms = min(answer.expires_in * 1_000, LIFE_MAX_MS) if answer.expires_in > 0 else LIFE_DEFAULT_MS
            self._token = token
            self._end_ms = now_ms + life_ms
            self._renew_ms = self._end_ms - min(AHEAD_MS, life_ms // 10)
        finally:
            self._fetching = None

    def _fail(self, why: str) -> None:
        self._failure = why
        self._failed_ms = self._now_ms()
        _log.warning("no access token: %s", why)

    async def _ask(self) -> _Answer:
        question = self._question()
        async with asyncio.timeout(FETCH_S):
            # A client of its own: one request an hour, and nothing kept open in between.
            async with (
                httpx.AsyncClient(
                    proxy=self._proxy or None,
                    trust_env=not self._proxy,
                    timeout=FETCH_S,
                    headers={"user-agent": "fastgw", "accept": "application/json"},
                ) as client,
                client.stream("POST", question.url, data=question.form) as response,
            ):
                body = bytearray()
                async for chunk in response.aiter_bytes():
                    body += chunk
                    if len(body) > ANSWER_BYTES_MAX:
                        raise _Refused(f"the answer has more than {ANSWER_BYTES_MAX} bytes")
        if response.status_code != 200:
            raise _Refused(f"{httpx.URL(question.url).host} answered {response.status_code}")
        return _decode(bytes(body))


class _Refused(Exception):
    """The token's issuer gave none. The text holds no secret."""


class Bearer:
    """Puts the current token into `authorization`."""

    def __init__(self, tokens: Tokens) -> None:
        self._tokens = tokens

    async def sign(self, request: Request) -> Request:
        """The request with its token. Raises `TransportError` when none can be had."""
        token = await self._tokens.current()
        kept = tuple(header for header in request.headers if header[0] != b"authorization")
        return msgspec.structs.replace(request, headers=((b"authorization", token), *kept))
