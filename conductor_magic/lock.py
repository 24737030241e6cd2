"""One writing run a workspace: a lock that names its owner and goes with the process that holds it.

Each folder has a lock file in the data folder. A run that writes has its workspace's alone and shares those of all
folders above it with the other runs below them. So of two that write, one is refused exactly where they work in one
folder, or one's folder lies in the other's; and it needs no more than the system's own locks to find that out.
"""

from __future__ import annotations

import hashlib
import os
import time
from contextlib import suppress
from pathlib import Path
from typing import Self

from conductor_magic.errors import ConductUsageError
from conductor_magic.file_locks import give_back, lock, open_to_lock

__all__ = ["WorkspaceLock"]

_PAUSES = (0.05, 0.05, 0.05)
"""Seconds to wait before a lock is tried again: who has it may only be asking, or be about to be refused."""

_LONGEST = 8_192
"""Bytes that are read of a lock file: a run's name and the workspace, a zero behind each, then what nobody reads."""


class WorkspaceLock:
    """A lock held on a workspace; runs that only read share it."""

    def __init__(self) -> None:
        self._handles: list[int] = []

    @classmethod
    def take(cls, data: Path, workspace: Path, owner: str, *, shared: bool) -> Self:
        """Take the lock.

        Args:
            data: the data folder, which keeps the lock files.
            workspace: the folder, resolved.
            owner: the run's id, for whoever meets the lock.
            shared: this run does not write.

        Raises:
            ConductUsageError: another run writes there, above or below; it is named. Or the data folder's disk has no
                locks.
        """
        taken = cls()
        if shared:
            # Readers neither wait for a writer nor keep one out.
            return taken
        folder = data / "locks"
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        try:
            taken._take(folder, workspace, owner)
        except BaseException:
            taken.release()
            raise
        return taken

    def _take(self, folder: Path, workspace: Path, owner: str) -> None:
        path = _file_of(folder, workspace)
        if not self._locked(path, shared=False):
            raise _refusal(folder, workspace)
        # In one write, over what stood there: whoever reads meanwhile finds a whole name.
        os.pwrite(self._handles[0], os.fsencode(owner) + b"\0" + os.fsencode(workspace) + b"\0", 0)
        for above in workspace.parents:
            path = _file_of(folder, above)
            if not self._locked(path, shared=True):
                raise _taken(_read(path)[0], f"{above}, and {workspace} lies in it")

    def _locked(self, path: Path, *, shared: bool) -> bool:
        handle = open_to_lock(path, os.O_RDWR | os.O_CREAT)
        self._handles.append(handle)
        for pause in _PAUSES:
            if lock(handle, path, shared=shared):
                return True
            time.sleep(pause)
        return lock(handle, path, shared=shared)

    def release(self) -> None:
        """Give the lock back; idempotent."""
        while self._handles:
            give_back(self._handles.pop())


def _file_of(folder: Path, workspace: Path) -> Path:
    return folder / f"{hashlib.sha256(os.fsencode(workspace)).hexdigest()[:24]}.lock"


def _refusal(folder: Path, workspace: Path) -> ConductUsageError:
    """Why nobody else may write in a workspace now: who works in it, or below it."""
    path = _file_of(folder, workspace)
    if _is_held(path):
        return _taken(_read(path)[0], str(workspace))
    for other in sorted(folder.glob("*.lock")):
        owner, below = _read(other)
        if below is not None and below != workspace and below.is_relative_to(workspace) and _is_held(other):
            return _taken(owner, f"{below}, which lies in {workspace}")
    return ConductUsageError(f"Another run had {workspace}, or a folder in it, until just now: try again.")


def _taken(owner: str, where: str) -> ConductUsageError:
    return ConductUsageError(
        f"{owner} is working in {where}. Wait for it, cancel it, or give this run another --workspace."
    )


def _read(path: Path) -> tuple[str, Path | None]:
    """Who wrote a lock file last, and for which workspace; that says nothing of whether it is held."""
    content = b""
    with suppress(OSError), path.open("rb") as file:
        content = file.read(_LONGEST)
    owner, workspace, *_ = [*content.split(b"\0"), b""]
    named = owner.decode(errors="replace").strip()
    return f"Run {named}" if named else "Another run", Path(os.fsdecode(workspace)) if workspace else None


def _is_held(path: Path) -> bool:
    """Whether a run has this file alone; those that share it do not count."""
    handle = open_to_lock(path, os.O_RDONLY)
    try:
        return not lock(handle, path, shared=True)
    finally:
        give_back(handle)
