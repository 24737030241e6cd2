"""Files that a record relies on are on the disk before the record says that they are there."""

from __future__ import annotations

import os
from pathlib import Path

__all__ = ["keep_file", "keep_names", "write_whole"]


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


def write_whole(path: Path, content: bytes) -> None:
    """Write a new file and put it on the disk: whole under its name, or nothing of it is left.

    Raises:
        OSError: the disk does not take it.
    """
    draft = path.with_name(f".{os.urandom(8).hex()}")
    try:
        with draft.open("wb") as file:
            file.write(content)
            file.flush()
            draft.replace(path)
            keep_file(file.fileno(), path)
    except OSError:
        # Its part takes room that the record needs to say so; and what is not surely on the disk is not relied on.
        for left in (draft, path):
            left.unlink(missing_ok=True)
        raise
