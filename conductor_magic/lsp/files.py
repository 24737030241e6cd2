"""Which source files of a workspace have changed: a server that keeps them in its memory must be told."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Mapping
from pathlib import Path

__all__ = ["CHANGED", "CREATED", "DELETED", "Marks", "WatchedFiles", "changes", "signature"]

Signature = tuple[int, int, int]
Marks = dict[str, Signature | None]
"""Absolute path -> what changes with the file's content, or None while that cannot be relied on."""

CREATED, CHANGED, DELETED = 1, 2, 3
"""The protocol's words for what became of a file."""

_MOST = 50_000
_NOT_ENTERED = frozenset({
    ".git", ".hg", ".svn", "node_modules", "__pycache__", ".tox", ".nox", ".mypy_cache", ".ruff_cache", ".pytest_cache",
    ".hypothesis",
})  # fmt: skip
_PROJECT_ENDINGS = (".toml", ".json", ".cfg", ".ini", ".yaml", ".yml", ".mod")
"""Files that say how a project is to be understood; servers of any language read some of them."""

_TOO_FRESH = 50_000_000
"""Nanoseconds: a file may change again within the resolution of its time stamp, and nobody would see it."""


class WatchedFiles:
    """A workspace's source files, and how they are now.

    Args:
        folder: the workspace.
        endings: endings of the names of the files that the server reads, lower case.
        hidden: folders that are not looked into.

    Attributes:
        complete: False when there are more files than are looked at.
    """

    def __init__(self, folder: Path, endings: Iterable[str], hidden: Iterable[Path] = ()) -> None:
        self._folder = folder
        self._endings = (*endings, *_PROJECT_ENDINGS)
        self._hidden = {str(path) for path in hidden}
        self.complete = True

    def look(self) -> Marks:
        """How each file is marked now. Takes some 3 ms for 300 files; to be called in a thread."""
        settled = time.time_ns() - _TOO_FRESH
        found: Marks = {}
        folders = [str(self._folder)]
        while folders and len(found) < _MOST:
            folders += self._enter(folders.pop(), found, settled)
        self.complete = not folders
        return found

    def _enter(self, folder: str, found: Marks, settled: int) -> list[str]:
        """Mark the files of one folder; the folders in it that are to be looked into."""
        try:
            entries = list(os.scandir(folder))
        except OSError:
            return []  # gone meanwhile, or not ours to read
        below: list[str] = []
        for entry in entries:
            try:
                if entry.is_dir(follow_symlinks=False):
                    if entry.name not in _NOT_ENTERED and entry.path not in self._hidden and not _is_environment(entry):
                        below.append(entry.path)
                elif entry.name.lower().endswith(self._endings) and entry.is_file(follow_symlinks=False):
                    now = _signature(entry.stat(follow_symlinks=False))
                    found[entry.path] = now if now[0] < settled else None
            except OSError:
                continue  # gone meanwhile
        return below


def changes(before: Mapping[str, Signature | None], after: Marks) -> dict[str, int]:
    """What has changed between two looks: absolute path -> `CREATED`, `CHANGED` or `DELETED`."""
    found = {path: CREATED for path in after if path not in before}
    found |= {path: DELETED for path in before if path not in after}
    # None is what had just changed when it was looked at: whether it changed again since cannot be told.
    return found | {
        path: CHANGED for path in after if path in before and (before[path] is None or before[path] != after[path])
    }


def signature(path: Path) -> Signature | None:
    """What changes whenever a file's content does (up to the resolution of its time stamp); None when it is gone."""
    try:
        return _signature(os.lstat(path))
    except OSError:
        return None


def _signature(status: os.stat_result) -> Signature:
    # The time of the last change of the entry, not of the content: `touch` and `cp -p` set that one back.
    return status.st_ctime_ns, status.st_size, status.st_ino


def _is_environment(entry: os.DirEntry[str]) -> bool:
    return os.path.exists(os.path.join(entry.path, "pyvenv.cfg"))  # noqa: PTH110, PTH118  # as text, once for each folder
