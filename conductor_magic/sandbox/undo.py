"""Putting protected things back, and what stood in their place aside. Everything happens below an open folder.

The processes that made a change may still be running, so no path is used twice: the folder around a thing is opened
below the workspace by the kernel's rules (`beneath`), and the rest goes by descriptors and follows no link.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from conductor_magic.beneath import O_PATH, open_beneath
from conductor_magic.sandbox.kept import Kept

__all__ = ["check_kept", "put_back", "remove_name", "rename_back", "set_aside", "set_mode"]


def set_aside(workspace: Path, path: str, aside: Path) -> None:
    """Move something out of the workspace, whole, whatever it is.

    Args:
        workspace: the folder that it must lie in.
        path: where it is.
        aside: a folder outside, made if it is missing.

    Raises:
        OSError: it could not be moved, and is still there.
    """
    aside.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _around(workspace, path) as (folder, name):
        goal = _free_name(aside, os.path.relpath(path, workspace))
        try:
            os.rename(name, goal, src_dir_fd=folder)
        except OSError:
            # Another file system, or a folder that its mode keeps from being moved.
            _copy(name, folder, goal)
            _remove(name, folder)


def put_back(workspace: Path, path: str, kept: Kept) -> None:
    """Make something as it was, where there is nothing now (a folder may be there already).

    Raises:
        OSError: it could not be made.
        ValueError: its content was not kept.
    """
    check_kept(kept)
    with _around(workspace, path, make=True) as (folder, name):
        if kept.sort == "link":
            os.symlink(kept.content or b"", name, dir_fd=folder)
            return
        if kept.sort == "folder":
            with contextlib.suppress(FileExistsError):
                os.mkdir(name, kept.mode, dir_fd=folder)
        else:
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
            with open(os.open(name, flags, 0o600, dir_fd=folder), "wb") as file:
                file.write(kept.content or b"")
        _set_mode(name, folder, kept.mode)


def check_kept(kept: Kept) -> None:
    """Raise ValueError unless enough was kept of something to make it again."""
    if kept.sort == "other" or (kept.sort != "folder" and kept.content is None):
        raise ValueError("its content was not kept")


def set_mode(workspace: Path, path: str, mode: int) -> None:
    """Set the permission bits of something.

    Raises:
        OSError: they could not be set.
    """
    with _around(workspace, path) as (folder, name):
        _set_mode(name, folder, mode)


def rename_back(workspace: Path, now: str, before: str) -> None:
    """Move something back to where it was.

    Raises:
        OSError: it could not be moved.
    """
    with _around(workspace, now) as (source, name), _around(workspace, before) as (goal, earlier):
        os.rename(name, earlier, src_dir_fd=source, dst_dir_fd=goal)


def remove_name(workspace: Path, path: str) -> None:
    """Remove one of several names of a file.

    Raises:
        OSError: it could not be removed.
    """
    with _around(workspace, path) as (folder, name):
        os.unlink(name, dir_fd=folder)


@contextmanager
def _around(workspace: Path, path: str, *, make: bool = False) -> Iterator[tuple[int, str]]:
    """The open folder around a thing, made if need be, and the thing's name in it."""
    inside = Path(os.path.relpath(path, workspace))
    folder = open_beneath(workspace, Path(), os.O_RDONLY | os.O_DIRECTORY)
    try:
        for depth, part in enumerate(inside.parent.parts, 1):
            if make:
                with contextlib.suppress(FileExistsError):
                    os.mkdir(part, dir_fd=folder)
            inner = open_beneath(workspace, Path(*inside.parts[:depth]), os.O_RDONLY | os.O_DIRECTORY)
            os.close(folder)
            folder = inner
        yield folder, inside.name
    finally:
        os.close(folder)


def _free_name(aside: Path, inside: str) -> Path:
    plain = inside.replace(os.sep, "_")[-100:]
    number = 1
    while os.path.lexists(aside / f"{number}-{plain}"):
        number += 1 + secrets.randbelow(number)
    return aside / f"{number}-{plain}"


def _copy(name: str, folder: int, goal: Path) -> None:
    status = os.stat(name, dir_fd=folder, follow_symlinks=False)
    if stat.S_ISLNK(status.st_mode):
        goal.symlink_to(os.readlink(name, dir_fd=folder))
        return
    if not stat.S_ISDIR(status.st_mode) and not stat.S_ISREG(status.st_mode):
        return  # a pipe or a socket holds nothing
    _set_mode(name, folder, stat.S_IMODE(status.st_mode) | stat.S_IRWXU)
    if stat.S_ISREG(status.st_mode):
        flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
        with open(os.open(name, flags, dir_fd=folder), "rb") as source, open(goal, "xb") as made:
            shutil.copyfileobj(source, made)
        return
    goal.mkdir(mode=0o700)
    inner = os.open(name, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        for entry in os.listdir(inner):
            _copy(entry, inner, goal / entry)
    finally:
        os.close(inner)


def _remove(name: str, folder: int) -> None:
    if stat.S_ISDIR(os.stat(name, dir_fd=folder, follow_symlinks=False).st_mode):
        shutil.rmtree(name, dir_fd=folder)
    else:
        os.unlink(name, dir_fd=folder)


def _set_mode(name: str, folder: int, mode: int) -> None:
    """Set permission bits, never through a link."""
    thing = os.open(name, O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=folder)
    try:
        if not stat.S_ISLNK(os.fstat(thing).st_mode):
            os.chmod(f"/proc/self/fd/{thing}", mode)
    finally:
        os.close(thing)
