"""A small real HTTP server that gives out tokens as a test wants it."""

import asyncio
import urllib.parse
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Issuer:
    """Answers in turn with what it was given, the last answer for ever; keeps the forms it was sent."""

    def __init__(self, *answers: tuple[int, bytes]) -> None:
        self.answers = list(answers)
        self.forms: list[dict[str, str]] = []
        self.paths: list[str] = []
        self.gate = asyncio.Event()
        """No answer before it is set."""
        self.gate.set()
        self.url = ""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().lower()
            length = int(head.split("content-length: ")[1].split("\r\n")[0])
            form = urllib.parse.parse_qs((await reader.readexactly(length)).decode())
            self.forms.append({name: values[0] for name, values in form.items()})
            self.paths.append(head.split(" ")[1])
            await self.gate.wait()
            status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            writer.write(
                b"HTTP/1.1 %d X\r\nconnection: close\r\ncontent-length: %d\r\n\r\n" % (status, len(body)) + body
            )
            await writer.drain()
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()


@asynccontextmanager
async def issuing(*answers: tuple[int, bytes]) -> AsyncIterator[Issuer]:
    """An issuer on a free port."""
    issuer = Issuer(*answers)
    server = await asyncio.start_server(issuer.serve, "127.0.0.1", 0)
    issuer.url = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/token"
    async with server:
        yield issuer


def token(value: str, life_s: int = 3_600) -> tuple[int, bytes]:
    """A good answer."""
    return 200, b'{"access_token":"%s","expires_in":%d,"token_type":"Bearer"}' % (value.encode(), life_s)
