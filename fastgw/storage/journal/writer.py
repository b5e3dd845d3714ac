"""The worker's side of the journal: a record is in the page cache when `append` returns, and on disk soon after.

Appending is a copy into mapped memory, without a system call: the kernel keeps the page whatever happens to this
process. A thread syncs behind it, and allocates segments ahead, so that the event loop never waits for the disk.
"""

import collections
import logging
import os
import secrets
import shutil
import threading
import time
import zlib
from pathlib import Path

import msgspec

from fastgw.clock import wall_us
from fastgw.errors import ErrorKind, GatewayError, StartupError
from fastgw.records import Closed, JournalRecord, Opened
from fastgw.storage.journal import layout
from fastgw.storage.journal.layout import (
    CLOSED_BYTES_MAX,
    END,
    HEAD_BYTES,
    OPENED_BYTES_MAX,
    RECORD_BYTES_MAX,
    WORD_BYTES,
    JournalBounds,
)
from fastgw.storage.journal.segment import Segment, lock, sync_folder

_log = logging.getLogger("fastgw.journal")

_DEFAULT = JournalBounds()
_RETRY_S = 0.25
"""Between two tries to allocate while the disk is full."""
_RECORD_MARGIN = layout.frame_bytes(RECORD_BYTES_MAX) + WORD_BYTES
"""What a roll may leave unused at the end of a segment, its end word included."""


class JournalWriter:
    """Appends the records of one worker process. Not thread-safe: it belongs to the worker's event loop."""

    def __init__(self, stream: Path, owner_fd: int, first: Segment, bounds: JournalBounds) -> None:
        self.stream = stream
        """Folder of this stream; gone when the keeper has drained it after `close`."""
        self._owner_fd = owner_fd
        self._bounds = bounds
        self._encode = msgspec.msgpack.Encoder().encode
        self._open: set[str] = set()
        self._segment = first
        self._octets = first.octets
        self._words = first.words
        self._at = HEAD_BYTES
        self._limit = bounds.segment_bytes - WORD_BYTES
        self._usable = bounds.segment_bytes - HEAD_BYTES - _RECORD_MARGIN
        self._spares: collections.deque[Segment] = collections.deque()
        self._woken = False
        self._behind = _Behind(self, first.number)

    @classmethod
    def open(cls, folder: Path, worker: str, bounds: JournalBounds = _DEFAULT) -> "JournalWriter":
        """Begin a stream of `worker` (`worker-0`) in `folder`, which is made if need be.

        Raises `StartupError` when the folder cannot be written or there is no space.
        """
        assert bounds.segment_bytes >= 64 * 1024 and bounds.segment_bytes % 4096 == 0
        try:
            stream, owner_fd, first = _begin(folder, worker, bounds)
        except OSError as error:
            raise StartupError(
                f"The journal in {folder} cannot be written: {error.strerror or error}. Make the folder writable and "
                f"see that its disk has at least {bounds.disk_free_bytes_min >> 20} MB free."
            ) from error
        return cls(stream, owner_fd, first, bounds)

    def append(self, record: JournalRecord) -> None:
        """Make `record` outlive this process. Takes about 1-2 us and never waits for the disk.

        `Closed` of an exchange that was opened always succeeds; a `Checkpoint` is left out when only the reserve for
        those is left. Raises `GatewayError`: any other record when there is no space (overloaded), and an `Opened`
        with names of more than about 1,000 bytes (bad request: no model has such a name).
        """
        payload = self._encode(record)
        size = len(payload)
        assert size <= RECORD_BYTES_MAX, "names in a record have limits"
        kind = type(record)
        if kind is Closed and record.exchange_id in self._open:
            self._open.discard(record.exchange_id)
        else:
            if kind is Opened and size > OPENED_BYTES_MAX:
                raise GatewayError(ErrorKind.BAD_REQUEST, "The name of the model is too long.", param="model")
            if not self.room():
                if kind is Opened or kind is Closed:
                    raise _full()
                return
            if kind is Opened:
                self._open.add(record.exchange_id)
        start = self._at
        body = start + WORD_BYTES
        end = start + ((size + 15) & ~7)
        if end > self._limit:
            self._roll()
            start = self._at
            body = start + WORD_BYTES
            end = start + ((size + 15) & ~7)
        self._octets[body : body + size] = payload
        self._words[start >> 3] = zlib.crc32(payload, size) << 32 | size
        self._at = end
        if not self._woken:
            self._wake()

    def room(self) -> bool:
        """False when no new exchange may begin: what is left belongs to the exchanges that run."""
        return self._left() >= (len(self._open) + 1) * CLOSED_BYTES_MAX + _RECORD_MARGIN

    def close(self) -> None:
        """Sync, give back what was allocated ahead, and let the keeper know that this stream has ended. Idempotent."""
        if self._owner_fd < 0:
            return
        self._behind.stop()
        try:
            self._segment.sync()
        except OSError as error:
            _log.error("cannot bring the end of the journal to disk: %s", error)
        self._octets = self._words = memoryview(b"")
        self._segment.close()
        while self._spares:
            self._spares.popleft().remove(self.stream)
        os.close(self._owner_fd)
        self._owner_fd = -1

    def _left(self) -> int:
        return self._limit - self._at + len(self._spares) * self._usable

    def _roll(self) -> None:
        successor = self._spares.popleft()
        self._words[self._at >> 3] = END
        self._behind.retired.append(self._segment)
        self._segment = successor
        self._octets = successor.octets
        self._words = successor.words
        self._at = HEAD_BYTES

    def _wake(self) -> None:
        self._woken = True
        self._behind.wake.release()


class _Behind:
    """The thread behind a writer: syncs what was appended, and keeps segments ready. Sleeps while nothing happens."""

    def __init__(self, writer: JournalWriter, number: int) -> None:
        self.retired: collections.deque[Segment] = collections.deque()
        """Full segments that are to be synced and unmapped; at most as many as fill between two syncs."""
        self.wake = threading.Lock()
        self.wake.acquire()
        self._writer = writer
        self._number = number
        self._stopping = False
        self._alarmed = False
        self._short = not self._prepare()
        self._thread = threading.Thread(target=self._run, name="journal", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """End the thread; what was retired is synced and closed."""
        self._stopping = True
        if not self._writer._woken:
            self._writer._wake()
        self._thread.join()
        try:
            self._sync_retired()
        except OSError as error:
            self._alarm("cannot bring the journal to disk", error)

    def _run(self) -> None:
        writer = self._writer
        delay_s = writer._bounds.sync_delay_ms / 1000
        while not self._stopping:
            if not self.wake.acquire(timeout=_RETRY_S if self._short else -1):
                self._short = not self._prepare()
                continue
            time.sleep(0 if self._stopping else delay_s)
            # Before the sync: what is appended from here on asks for the next one.
            writer._woken = False
            try:
                self._sync_retired()
                writer._segment.sync()
            except OSError as error:
                self._alarm("cannot bring the journal to disk", error)
            self._short = not self._prepare()

    def _sync_retired(self) -> None:
        while self.retired:
            self.retired[0].sync()
            self.retired.popleft().close()

    def _prepare(self) -> bool:
        """Allocate until what is free covers twice what open exchanges need, and one segment more. False: no space."""
        writer = self._writer
        bounds = writer._bounds
        while len(writer._spares) * writer._usable < 2 * len(writer._open) * CLOSED_BYTES_MAX + writer._usable:
            try:
                self._check_space(bounds)
                writer._spares.append(Segment.create(writer.stream, self._number + 1, bounds.segment_bytes))
            except OSError as error:
                self._alarm("no space for the journal: new exchanges are refused when its reserve is used up", error)
                return False
            self._number += 1
        if self._alarmed:
            self._alarmed = False
            _log.warning("the journal has space again")
        return True

    def _check_space(self, bounds: JournalBounds) -> None:
        folder = self._writer.stream
        held = sum(1 for name in os.listdir(folder) if layout.segment_number(name) is not None)
        if (held + 1) * bounds.segment_bytes > bounds.undrained_bytes_max:
            raise OSError(f"{held} segments of {folder} wait for the keeper: is it running?")
        disk = os.statvfs(folder)
        if disk.f_bavail * disk.f_frsize < bounds.disk_free_bytes_min + bounds.segment_bytes:
            raise OSError(f"less than {bounds.disk_free_bytes_min} bytes would be free on the disk of {folder}")

    def _alarm(self, text: str, error: OSError) -> None:
        if not self._alarmed:
            self._alarmed = True
            _log.error("%s: %s", text, error)


def _begin(folder: Path, worker: str, bounds: JournalBounds) -> tuple[Path, int, Segment]:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    opening_fd = lock(folder / layout.OPENING, wait=True)
    owner_fd = None
    try:
        for leftover in folder.glob(f"{layout.NEW_PREFIX}*"):
            shutil.rmtree(leftover, ignore_errors=True)
        name = f"{worker}-{wall_us()}-{secrets.token_hex(4)}"
        new = folder / f"{layout.NEW_PREFIX}{name}"
        new.mkdir(mode=0o700)
        owner_fd = lock(new / layout.OWNER, wait=True)
        first = Segment.create(new, 0, bounds.segment_bytes)
        # The stream appears with its owner's lock held, so that nobody takes it for a dead one.
        stream = new.rename(folder / name)
        sync_folder(folder)
        return stream, owner_fd, first
    except OSError:
        if owner_fd is not None:
            os.close(owner_fd)
        raise
    finally:
        os.close(opening_fd)


def _full() -> GatewayError:
    return GatewayError(
        ErrorKind.OVERLOADED, "The gateway cannot record usage right now; try again soon.", retry_after_s=5
    )
