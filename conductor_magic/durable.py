"""Files that a record relies on are on the disk before the record says that they are there."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["keep_file", "keep_names"]


def keep_file(handle: int, path: Path) -> None:
    """Put a new file on the disk, with its name.

    Args:
        handle: its descriptor; all that was written through it is flushed to the system.
        path: where it lies.

    Raises:
        OSError: the disk does not take it.
    """
    os.fsync(handle)
    keep_names(path.parent)


def keep_names(folder: Path) -> None:
    """Put on the disk which files a folder has.

    Raises:
        OSError: the disk does not take it.
    """
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
