"""A forward proxy: CONNECT tunnels for https, absolute-form requests for http, with optional credentials."""

import asyncio
import base64
from urllib.parse import urlsplit

from tests.dataplane.upstream.origin.server import RawServer


class ForwardProxy(RawServer):
    """Forwards to whatever is asked for, and notes the request lines it saw."""

    def __init__(self, credentials: str = "") -> None:
        """`credentials` is `user:password`; then others get a 407."""
        super().__init__(self._serve)
        self._expected = b"Basic " + base64.b64encode(credentials.encode()) if credentials else b""
        self.credentials = credentials
        self.request_lines: list[str] = []

    @property
    def url(self) -> str:
        """`http://[user:password@]host:port`."""
        return f"http://{self.credentials + '@' if self.credentials else ''}{self.host}:{self.port}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        lines = head[:-4].split(b"\r\n")
        self.request_lines.append(lines[0].decode())
        method, target, _ = lines[0].decode().split(" ")
        headers = {name.strip().lower(): value.strip() for name, _, value in (x.partition(b":") for x in lines[1:])}
        if self._expected and headers.get(b"proxy-authorization") != self._expected:
            writer.write(b"HTTP/1.1 407 Proxy Authentication Required\r\ncontent-length: 0\r\n\r\n")
            await writer.drain()
            return
        if method == "CONNECT":
            host, _, port = target.rpartition(":")
            there, back = await asyncio.open_connection(host, int(port))
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            url = urlsplit(target)
            there, back = await asyncio.open_connection(url.hostname, url.port)
            path = target.removeprefix(f"{url.scheme}://{url.netloc}") or "/"
            kept = [line for line in lines[1:] if not line.lower().startswith(b"proxy-")]
            back.write(b"\r\n".join([f"{method} {path} HTTP/1.1".encode(), *kept]) + b"\r\n\r\n")
        await asyncio.gather(_pipe(reader, back), _pipe(there, writer))


async def _pipe(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    try:
        while data := await source.read(65536):
            sink.write(data)
            await sink.drain()
    except ConnectionError:
        pass
    finally:
        sink.close()
