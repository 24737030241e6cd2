"""One writing run a workspace: a lock that names its owner and goes with the process that holds it."""

from __future__ import annotations

import fcntl
import hashlib
import os
from pathlib import Path
from typing import Self

from conductor_magic.errors import ConductUsageError

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
            ConductUsageError: another run writes there; it is named.
        """
        folder = data / "locks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        name = hashlib.sha256(os.fsencode(workspace)).hexdigest()[:24]
        handle = os.open(folder / f"{name}.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if shared:
            # Readers neither wait for a writer nor keep one out.
            return cls(handle)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            holder = os.pread(handle, 200, 0).decode(errors="replace").strip() or "another run"
            os.close(handle)
            raise ConductUsageError(
                f"Run {holder} is working in {workspace}. Wait for it, cancel it, or give this run another --workspace."
            ) from None
        os.ftruncate(handle, 0)
        os.pwrite(handle, owner.encode(), 0)
        return cls(handle)

    def release(self) -> None:
        """Give the lock back; idempotent."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1
