"""A disk that fails a run's journal on purpose: at a write, with half a write, or at a sync; then it is well again."""

from __future__ import annotations

import errno
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal
from unittest.mock import patch

__all__ = ["BadDisk", "Fault", "bad_disk"]

Fault = Literal["full", "half", "broken", "sync"]
_ERRORS = {"full": errno.ENOSPC, "half": errno.ENOSPC, "broken": errno.EIO, "sync": errno.EIO}


class BadDisk:
    """What happens to journals of this process.

    Attributes:
        writes: how many writes were asked for.
        syncs: how many syncs.
        failed_at: when it failed first, on the monotonic clock; None before.
    """

    def __init__(self) -> None:
        self.writes = self.syncs = 0
        self.failed_at: float | None = None
        self._fault: Fault | None = None
        self._at = 0
        self._once = False
        self._lock = threading.Lock()
        self._write, self._fdatasync = os.write, os.fdatasync

    def fail(self, fault: Fault, at: int, *, once: bool = False) -> None:
        """Fail at the write, or the sync, of this number from now on (from 1), and at all that follow unless `once`."""
        with self._lock:
            self.writes = self.syncs = 0
            self.failed_at = None
            self._fault, self._at, self._once = fault, at, once

    def mend(self) -> None:
        """Be a good disk again."""
        with self._lock:
            self._fault = None

    def write(self, handle: int, data: Any) -> int:
        """Stands for `os.write`."""
        if not _is_journal(handle):
            return self._write(handle, data)
        with self._lock:
            self.writes += 1
            fault = self._fault if self._fault != "sync" and self._is_due(self.writes) else None
        if fault is None:
            return self._write(handle, data)
        self._fell()
        if fault == "half":
            return self._write(handle, bytes(data)[: len(data) // 2])
        raise OSError(_ERRORS[fault], os.strerror(_ERRORS[fault]))

    def fdatasync(self, handle: int) -> None:
        """Stands for `os.fdatasync`."""
        with self._lock:
            self.syncs += 1
            due = self._fault == "sync" and self._is_due(self.syncs)
        if due and _is_journal(handle):
            self._fell()
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        self._fdatasync(handle)

    def _is_due(self, number: int) -> bool:
        return number == self._at if self._once else number >= self._at > 0

    def _fell(self) -> None:
        self.failed_at = self.failed_at or time.monotonic()


def _is_journal(handle: int) -> bool:
    return Path(f"/proc/self/fd/{handle}").readlink().name == "journal.jsonl"


@contextmanager
def bad_disk() -> Iterator[BadDisk]:
    """A disk of this kind below everything."""
    disk = BadDisk()
    with patch.object(os, "write", disk.write), patch.object(os, "fdatasync", disk.fdatasync):
        yield disk
