"""How many bytes one call, and all calls of a worker together, may have fetched and not yet handed over."""

from collections.abc import Iterator
from contextlib import contextmanager

from fastgw.dataplane.upstream.fetch.place import Unfit
from fastgw.errors import ErrorKind, GatewayError


class WorkerRoom:
    """Of all calls that are fetching at this moment."""

    def __init__(self, bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self.held_bytes = 0

    @contextmanager
    def of_call(self, bytes_max: int) -> Iterator["CallRoom"]:
        """The room of one call, until it has what it wanted or failed."""
        room = CallRoom(self, bytes_max)
        try:
            yield room
        finally:
            self.held_bytes -= room.held_bytes

    def take(self, count: int) -> None:
        """Hold `count` bytes more. Raises `GatewayError` (503)."""
        if self.held_bytes + count > self._bytes_max:
            raise busy()
        self.held_bytes += count


class CallRoom:
    """Of one call."""

    def __init__(self, worker: WorkerRoom, bytes_max: int) -> None:
        self._worker = worker
        self._bytes_max = bytes_max
        self.held_bytes = 0

    def take(self, count: int) -> None:
        """Hold `count` bytes more. Raises `Unfit`, and as `WorkerRoom.take`."""
        if self.held_bytes + count > self._bytes_max:
            size = f"{self._bytes_max / (1024 * 1024):g} MB"
            raise Unfit(f"the files that the request names are larger than {size} together")
        self._worker.take(count)
        self.held_bytes += count


def busy() -> GatewayError:
    """What a caller is told when others fetch too much."""
    message = "The gateway fetches as many images and documents as it can. Try again soon."
    return GatewayError(ErrorKind.OVERLOADED, message, retry_after_s=1)
