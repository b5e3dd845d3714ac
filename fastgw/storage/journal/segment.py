"""One segment file: really allocated, then mapped, so that a write can neither wait for space nor run out of it.

A store into a page of a file that has no block behind it may end in SIGBUS when the disk is full. So a segment gets its
blocks first, and becomes visible under its name only when it has them all.
"""

import contextlib
import fcntl
import mmap
import os
import sys
from pathlib import Path

from fastgw.storage.journal.layout import HEAD, MAGIC, segment_name

_PREPARED = "next.tmp"
_ZEROS = bytes(256 * 1024)
_POPULATE = getattr(mmap, "MAP_POPULATE", 0)


class Segment:
    """A mapped segment. `octets` and `words` are the same memory, by byte and by 64-bit word."""

    __slots__ = ("_fd", "_map", "number", "octets", "words")

    def __init__(self, number: int, fd: int, size: int) -> None:
        self.number = number
        self._fd = fd
        self._map = mmap.mmap(fd, size, flags=mmap.MAP_SHARED | _POPULATE)
        self.octets = memoryview(self._map)
        self.words = self.octets.cast("Q")

    @classmethod
    def create(cls, folder: Path, number: int, size: int) -> "Segment":
        """Allocate and map segment `number` in `folder`. Raises `OSError` when there is no space."""
        prepared = folder / _PREPARED
        fd = os.open(prepared, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
        try:
            allocate(fd, size)
            os.pwrite(fd, HEAD.pack(MAGIC, number), 0)
            os.fsync(fd)
            os.rename(prepared, folder / segment_name(number))
            sync_folder(folder)
            return cls(number, fd, size)
        except BaseException:
            os.close(fd)
            with contextlib.suppress(OSError):
                prepared.unlink()
            raise

    def sync(self) -> None:
        """Bring what was written to the disk. Raises `OSError`. Releases the interpreter lock while it waits."""
        if sys.platform == "linux":
            os.fdatasync(self._fd)
        else:
            # Elsewhere fsync is not bound to see stores into mapped pages.
            self._map.flush()
            os.fsync(self._fd)

    def close(self) -> None:
        """Unmap it; the file stays."""
        self.words.release()
        self.octets.release()
        self._map.close()
        os.close(self._fd)

    def remove(self, folder: Path) -> None:
        """Close it and delete its file in `folder`: for a segment into which nothing was written."""
        self.close()
        (folder / segment_name(self.number)).unlink(missing_ok=True)


def allocate(fd: int, size: int) -> None:
    """Give an empty file `size` bytes of zeros that really have blocks. Raises `OSError` (ENOSPC, EFBIG, EDQUOT).

    `posix_fallocate` fails at once when there is no space. The zeros behind it are written so that later syncs find
    ordinary blocks and need not turn "allocated, unwritten" ones into those, which costs a commit of the file system's
    own journal each time.
    """
    if hasattr(os, "posix_fallocate"):
        os.posix_fallocate(fd, 0, size)
    at = 0
    while at < size:
        at += os.pwrite(fd, _ZEROS[: size - at], at)


def sync_folder(folder: Path) -> None:
    """Make names that were given in `folder` outlive a power cut."""
    fd = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    finally:
        os.close(fd)


def lock(path: Path, *, wait: bool) -> int:
    """Take the flock on `path`, creating the file, and return the descriptor that holds it.

    It ends with the process, however that ends: this is how others learn whether the owner lives. Raises
    `BlockingIOError` when it is taken and `wait` is false.
    """
    fd = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
    except BaseException:
        os.close(fd)
        raise
    return fd
