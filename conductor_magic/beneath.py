"""Open a path below a folder so that the operating system guarantees it stays there.

Linux 5.6 and later have `openat2` for exactly this. Elsewhere the path is walked one folder at a time and no link
at all is followed: stricter, and as safe.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import sys
from functools import cache
from pathlib import Path

__all__ = ["O_PATH", "open_beneath", "path_of", "reopen"]

O_PATH: int = getattr(os, "O_PATH", os.O_RDONLY | os.O_NONBLOCK)
"""Names a file without opening it: no side effect on devices, no wait on pipes."""

_OPENAT2 = 437  # one number on every architecture
_RESOLVE_NO_MAGICLINKS = 0x02
_RESOLVE_NO_SYMLINKS = 0x04
_RESOLVE_BENEATH = 0x08
_RACES = 16  # a rename elsewhere makes the kernel say "try again"


class _OpenHow(ctypes.Structure):
    _fields_ = (("flags", ctypes.c_uint64), ("mode", ctypes.c_uint64), ("resolve", ctypes.c_uint64))


def open_beneath(root: Path, relative: Path, flags: int, *, links: bool = True) -> int:
    """A descriptor of `root / relative`; links are followed only as long as they stay below `root`, or not at all.

    Raises:
        OSError: with EXDEV or ELOOP when the path leads out, else what the system says.
    """
    folder = os.open(root, O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if _has_openat2():
            return _openat2(folder, os.fsencode(relative), flags, 0 if links else _RESOLVE_NO_SYMLINKS)
        return _walk(folder, relative, flags)
    finally:
        os.close(folder)


def path_of(handle: int) -> Path:
    """The absolute path, links resolved, of what a descriptor names."""
    if sys.platform == "linux":
        # The kernel marks a file that was removed meanwhile; the mark must not disguise its name.
        return Path(os.readlink(f"/proc/self/fd/{handle}").removesuffix(" (deleted)"))
    return Path(os.fsdecode(fcntl.fcntl(handle, fcntl.F_GETPATH, bytes(1024)).rstrip(b"\0")))


def reopen(handle: int, flags: int) -> int:
    """Open for use what an `O_PATH` descriptor names."""
    if sys.platform == "linux":
        return os.open(f"/proc/self/fd/{handle}", flags | os.O_NONBLOCK | os.O_CLOEXEC)
    return os.dup(handle)


def _openat2(folder: int, relative: bytes, flags: int, resolve: int = 0) -> int:
    how = _OpenHow(flags | os.O_CLOEXEC, 0, _RESOLVE_BENEATH | _RESOLVE_NO_MAGICLINKS | resolve)
    libc = ctypes.CDLL(None, use_errno=True)
    number = errno.EAGAIN
    for _ in range(_RACES):
        handle = libc.syscall(
            ctypes.c_long(_OPENAT2),
            ctypes.c_int(folder),
            ctypes.c_char_p(relative),
            ctypes.byref(how),
            ctypes.c_size_t(ctypes.sizeof(how)),
        )
        if handle >= 0:
            return handle
        number = ctypes.get_errno()
        if number not in (errno.EAGAIN, errno.EINTR):
            break
    raise OSError(number, os.strerror(number), os.fsdecode(relative))


@cache
def _has_openat2() -> bool:
    if sys.platform != "linux":
        return False
    folder = os.open("/", O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.close(_openat2(folder, b".", O_PATH))
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def _walk(folder: int, relative: Path, flags: int) -> int:
    """The same without `openat2`: one component at a time, `..` and links refused."""
    parts = relative.parts or (".",)
    if ".." in parts:
        raise OSError(errno.EXDEV, os.strerror(errno.EXDEV), str(relative))
    current = os.dup(folder)
    try:
        for part in parts[:-1]:
            below = os.open(part, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=current)
            os.close(current)
            current = below
        handle = os.open(parts[-1], flags | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=current)
    finally:
        os.close(current)
    # O_PATH with O_NOFOLLOW opens a link itself instead of failing.
    if stat.S_ISLNK(os.fstat(handle).st_mode):
        os.close(handle)
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(relative))
    return handle
