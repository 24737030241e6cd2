"""One writing run a workspace: a lock that names its owner and goes with the process that holds it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Self

from conductor_magic.errors import ConductUsageError
from conductor_magic.file_locks import give_back, lock, open_to_lock

__all__ = ["WorkspaceLock"]


class WorkspaceLock:
    """A lock held on a workspace; runs that only read share it."""

    def __init__(self, handle: int) -> None:
        self._handle = handle

    @classmethod
    def take(cls, data: Path, workspace: Path, owner: str, *, shared: bool) -> Self:
        """Take the lock.

        Args:
            data: the data folder, which keeps the lock files.
            workspace: the folder, resolved.
            owner: the run's id, for whoever meets the lock.
            shared: this run does not write.

        Raises:
            ConductUsageError: another run writes there; it is named. Or the data folder's disk has no locks.
        """
        folder = data / "locks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        path = folder / f"{hashlib.sha256(os.fsencode(workspace)).hexdigest()[:24]}.lock"
        handle = open_to_lock(path, os.O_RDWR | os.O_CREAT)
        if shared:
            # Readers neither wait for a writer nor keep one out.
            return cls(handle)
        try:
            if not lock(handle, path):
                holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another run"
                raise ConductUsageError(
                    f"Run {holder} is working in {workspace}. Wait for it, cancel it, or give this run another "
                    "--workspace."
                )
            os.ftruncate(handle, 0)
            os.pwrite(handle, owner.encode(), 0)
        except BaseException:
            give_back(handle)
            raise
        return cls(handle)

    def release(self) -> None:
        """Give the lock back; idempotent."""
        if self._handle >= 0:
            give_back(self._handle)
            self._handle = -1
