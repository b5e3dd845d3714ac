"""AWS Signature Version 4 in headers.

Source: docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-create-signed-request.html, read 2026-11-21. Paths are
encoded once more for the signature, as every service but S3 wants it.
"""

import asyncio
import datetime
import hashlib
import hmac
import urllib.parse
from collections.abc import Callable
from functools import lru_cache

from fastgw.dataplane.upstream.transport import Header, Request
from fastgw.providers.vendor import split_url

HASHED_INLINE_BYTES_MAX = 256 * 1024
"""A larger body is hashed in a thread: 32 MB take some 20 ms, in which the event loop would stand still."""

PATHS_MAX = 1_024
"""Paths that are remembered in their encoded form; there are two for each model."""

_SIGNED = (b"content-type", b"host", b"x-amz-date", b"x-amz-security-token")
_EMPTY = hashlib.sha256(b"").hexdigest()


class SigV4:
    """Signs with one access key; its session token, if any, is not renewed here."""

    def __init__(
        self, key_id: str, secret: str, token: str = "", *, region: str, service: str, now_ms: Callable[[], int]
    ) -> None:
        self._key_id = key_id
        self._secret = secret
        self._token = token
        self._region = region
        self._service = service
        self._now_ms = now_ms
        self._day = ""
        self._day_key = b""

    def __repr__(self) -> str:
        return f"SigV4(key_id={self._key_id!r}, region={self._region!r}, service={self._service!r})"

    async def sign(self, request: Request) -> Request:
        """The request with `x-amz-date`, `authorization` and, with a session, `x-amz-security-token`."""
        body = request.body
        if len(body) > HASHED_INLINE_BYTES_MAX:
            digest = await asyncio.to_thread(_sha256, body)
        else:
            digest = _sha256(body) if body else _EMPTY
        now = datetime.datetime.fromtimestamp(self._now_ms() / 1_000, datetime.UTC)
        added = self._headers(request, digest, now.strftime("%Y%m%dT%H%M%SZ"))
        ours = {name for name, _ in added}
        kept = tuple(header for header in request.headers if header[0] not in ours)
        return _with_headers(request, kept + added)

    def _headers(self, request: Request, digest: str, stamp: str) -> tuple[Header, ...]:
        added: list[Header] = [(b"x-amz-date", stamp.encode("ascii"))]
        if self._token:
            added.append((b"x-amz-security-token", self._token.encode("ascii")))
        origin = split_url(request.origin)[0]
        signed = {b"host": origin.partition("://")[2].encode("ascii")}
        signed |= {name: b" ".join(value.split()) for name, value in (*request.headers, *added) if name in _SIGNED}
        names = b";".join(sorted(signed)).decode("ascii")
        path, _, query = request.target.decode("ascii").partition("?")
        canonical = "\n".join(
            (
                request.method.decode("ascii"),
                _encoded(path),
                _canonical_query(query),
                *(f"{name.decode('ascii')}:{signed[name].decode('latin-1')}" for name in sorted(signed)),
                "",
                names,
                digest,
            )
        )
        day = stamp[:8]
        scope = f"{day}/{self._region}/{self._service}/aws4_request"
        text = f"AWS4-HMAC-SHA256\n{stamp}\n{scope}\n{_sha256(canonical.encode('utf-8'))}"
        signature = hmac.new(self._key_of(day), text.encode("ascii"), hashlib.sha256).hexdigest()
        value = f"AWS4-HMAC-SHA256 Credential={self._key_id}/{scope}, SignedHeaders={names}, Signature={signature}"
        return (*added, (b"authorization", value.encode("ascii")))

    def _key_of(self, day: str) -> bytes:
        if day != self._day:
            key = f"AWS4{self._secret}".encode()
            for part in (day, self._region, self._service, "aws4_request"):
                key = hmac.new(key, part.encode("ascii"), hashlib.sha256).digest()
            self._day, self._day_key = day, key
        return self._day_key


@lru_cache(maxsize=PATHS_MAX)
def _encoded(path: str) -> str:
    return urllib.parse.quote(path, safe="/-_.~")


def _canonical_query(query: str) -> str:
    pairs = [part.partition("=") for part in query.split("&") if part]
    return "&".join(sorted(f"{name}={value}" for name, _, value in pairs))


def _sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _with_headers(request: Request, headers: tuple[Header, ...]) -> Request:
    # `msgspec.structs.replace` takes 2 µs more for the same.
    return Request(
        request.method,
        request.origin,
        request.target,
        headers,
        request.body,
        request.http_version,
        request.streaming,
        request.resend,
        request.tls,
        request.proxy,
        request.timeout_connect_ms,
        request.timeout_first_byte_ms,
        request.timeout_idle_ms,
    )
