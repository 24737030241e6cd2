"""A file that is written once and can then be changed by nobody: what workers map, and share, without copies.

In memory (`memfd_create`, sealed) where the system has that and enough of it is free: it is gone with the last process
that holds it, also when that is killed. Else a plain file, which is removed with the run's folder.
"""

from __future__ import annotations

import hashlib
import mmap
import os
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from pickle import PickleBuffer

__all__ = ["SealedFile"]

_PIECE = 8 << 20
"""Bytes written at once: an interrupt is taken between two pieces."""

_SHARE_OF_MEMORY = 0.5
"""How much of the free memory a file in memory may take."""


class SealedFile:
    """A file to write once.

    Args:
        path: where it lies when it cannot lie in memory; its folder exists.
        expected: about how many bytes are coming, to see whether they fit into memory.

    Raises:
        OSError: the file cannot be made.

    Attributes:
        descriptor: for reading it; under this number workers inherit a file in memory.
        in_memory: it has no path.
        size: bytes written so far.
    """

    def __init__(self, path: Path, expected: int = 0) -> None:
        descriptor = _memory_file(path.stem, expected)
        self.in_memory = descriptor is not None
        if descriptor is None:
            flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            descriptor = os.open(path, flags, 0o600)
        self.descriptor: int = descriptor
        self.size = 0
        self._sha256 = hashlib.sha256()
        self._hasher = ThreadPoolExecutor(1, "conductor-hash")
        self._hashing: deque[Future[None]] = deque()

    def begin(self) -> int:
        """Start a part that can be mapped by itself and has a hash of its own; where it starts."""
        self._settle()
        self._sha256 = hashlib.sha256()
        self.size = _next(self.size, mmap.ALLOCATIONGRANULARITY)
        return self.size

    def write(self, piece: bytes | bytearray | memoryview | PickleBuffer) -> int:
        """Add bytes to the part. They are hashed beside, in a thread, so they must stay as they are until `digest`."""
        view = memoryview(piece).cast("B")
        for start in range(0, len(view), _PIECE):
            part = view[start : start + _PIECE]
            self._hashing.append(self._hasher.submit(self._sha256.update, part))
            while part:
                written = os.pwrite(self.descriptor, part, self.size)
                self.size += written
                part = part[written:]
        return len(view)

    def align(self, boundary: int) -> int:
        """Fill up with zeros to a multiple of `boundary`; where the next byte goes."""
        if gap := _next(self.size, boundary) - self.size:
            self.write(bytes(gap))
        return self.size

    def digest(self) -> str:
        """The SHA-256 of the part, in hexadecimal."""
        self._settle()
        return self._sha256.hexdigest()

    def seal(self) -> None:
        """Let nobody change it any more, this process included (a plain file: everybody but the person)."""
        self._hasher.shutdown()
        if self.in_memory:
            import fcntl

            seals = fcntl.F_SEAL_WRITE | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_SEAL
            fcntl.fcntl(self.descriptor, fcntl.F_ADD_SEALS, seals)
        else:
            os.fchmod(self.descriptor, 0o400)

    def close(self) -> None:
        """Let go of it, whatever was written; idempotent. A plain file stays until its folder is removed."""
        self._hasher.shutdown(cancel_futures=True)
        self._hashing.clear()
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1

    def _settle(self) -> None:
        while self._hashing:
            self._hashing.popleft().result()


def _memory_file(name: str, expected: int) -> int | None:
    """A new file in memory that can be sealed, or None where there is none or too little memory is free."""
    if not hasattr(os, "memfd_create") or expected > _free_memory() * _SHARE_OF_MEMORY:
        return None
    try:
        return os.memfd_create(name, os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    except OSError:
        return None  # forbidden here, as by a container's policy


def _free_memory() -> int:
    """Bytes that this machine, or this container, can still give."""
    free = [_number(line) * 1024 for line in _lines("/proc/meminfo") if line.startswith("MemAvailable:")]
    limit = [_number(line) for line in _lines("/sys/fs/cgroup/memory.max") if line.strip().isdigit()]
    used = [_number(line) for line in _lines("/sys/fs/cgroup/memory.current")]
    if limit and used:
        free.append(limit[0] - used[0])
    return min(free, default=0)


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text().splitlines()
    except OSError:
        return []


def _number(line: str) -> int:
    return next(int(word) for word in line.split() if word.isdigit())


def _next(position: int, boundary: int) -> int:
    return -(-position // boundary) * boundary
