"""An answer's body as a list of reads."""

from collections.abc import Callable

Header = tuple[bytes, bytes]


class Body:
    """`Source` over bytes; keywords become headers (`content_type=b"…"`)."""

    def __init__(self, reads: list[bytes], **headers: bytes) -> None:
        self.headers: list[Header] = [(name.replace("_", "-").encode(), value) for name, value in headers.items()]
        self._reads = list(reads)

    async def read(self) -> bytes:
        return self._reads.pop(0) if self._reads else b""

    async def pass_on(self, sink: Callable[[bytes], bool]) -> bool:
        while self._reads:
            if not sink(self._reads.pop(0)):
                return False
        return True

    async def read_all(self, bytes_max: int) -> bytes | None:
        whole = b"".join(self._reads)
        return whole if len(whole) <= bytes_max else None
