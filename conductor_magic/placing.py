"""Puts a file in place whole or not at all, and only over what it was made from.

Linux swaps two names in one step, so what was replaced can be looked at afterwards: had somebody changed it in the very
last moment, the swap is undone and nothing is lost. Elsewhere it is compared right before it is replaced.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress

from conductor_magic.paths import Target, plainly

__all__ = ["Overtaken", "place"]

_MUST_BE_NEW, _SWAP = 1, 2
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NOT_HERE = (errno.ENOSYS, errno.EINVAL, errno.EOPNOTSUPP, errno.EPERM)
_CHUNK = 1 << 20
_PATIENCE_SECONDS, _AGAIN_SECONDS = 2.0, 0.001


class Overtaken(Exception):
    """The file holds something else than what it was to be replaced for; it was left as it is.

    Attributes:
        now: what it holds, or None when it is not there any more.
    """

    def __init__(self, now: bytes | None) -> None:
        super().__init__("the file has been changed meanwhile")
        self.now = now


def place(target: Target, content: bytes, before: bytes | None) -> int | None:
    """Put `content` in place of `before`, keeping the permissions of a file that was there.

    Args:
        target: where.
        content: what it shall hold.
        before: what it must hold until then; None when there must be no file.

    Returns:
        A descriptor of the file that was replaced, which is the caller's to close; None when there was none.

    Raises:
        Overtaken: it holds something else, or does not exist any more, or does by now.
        ToolError: the disk refuses.
    """
    name, folder = target.path.name, target.folder
    with plainly(name), _temporary(target, content) as temporary:
        if before is None:
            _place_new(temporary, name, folder)
            return None
        with _alone(folder):
            return _place_over(temporary, name, folder, before)


@contextmanager
def _temporary(target: Target, content: bytes) -> Iterator[str]:
    """A file beside the target that holds the content; whatever is left under its name is removed."""
    temporary = f".{os.urandom(8).hex()}.tmp"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(temporary, flags, 0o666, dir_fd=target.folder), "wb") as file:
            if target.now is not None:
                os.fchmod(file.fileno(), stat.S_IMODE(target.now.st_mode) & 0o777)
            file.write(content)
        yield temporary
    finally:
        with suppress(FileNotFoundError):  # it has become the target
            os.unlink(temporary, dir_fd=target.folder)


@contextmanager
def _alone(folder: int) -> Iterator[None]:
    """Keep others of our kind from replacing a file of this folder: a swap that is taken back must find its own file.

    Whoever holds the lock too long, or a file system that has none, does not keep us from the work.
    """
    handle = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=folder)
    try:
        until = time.monotonic() + _PATIENCE_SECONDS
        while time.monotonic() < until:
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                time.sleep(_AGAIN_SECONDS)
            except OSError:
                break
            else:
                break
        yield
    finally:
        os.close(handle)


def _place_new(temporary: str, name: str, folder: int) -> None:
    try:
        if not _renamed(temporary, name, folder, _MUST_BE_NEW):
            os.link(temporary, name, src_dir_fd=folder, dst_dir_fd=folder, follow_symlinks=False)
    except FileExistsError:
        raise Overtaken(_read(name, folder)) from None


def _place_over(temporary: str, name: str, folder: int, before: bytes) -> int:
    try:
        former = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        raise Overtaken(None) from None
    try:
        if (now := _content(former)) != before:
            raise Overtaken(now)
        try:
            swapped = _renamed(temporary, name, folder, _SWAP)
        except FileNotFoundError:
            raise Overtaken(None) from None
        if not swapped:
            os.rename(temporary, name, src_dir_fd=folder, dst_dir_fd=folder)
        elif (now := _read(temporary, folder)) != before:
            _renamed(temporary, name, folder, _SWAP)
            raise Overtaken(now)
    except BaseException:
        os.close(former)
        raise
    return former


def _renamed(old: str, new: str, folder: int, how: int) -> bool:
    """Rename in the special way, within one folder; False where the system has no such way."""
    libc = ctypes.CDLL(None, use_errno=True)
    if not hasattr(libc, "renameat2"):
        return False
    if libc.renameat2(folder, os.fsencode(old), folder, os.fsencode(new), ctypes.c_uint(how)) == 0:
        return True
    number = ctypes.get_errno()
    if number in _NOT_HERE:
        return False
    raise OSError(number, os.strerror(number), new)


def _read(name: str, folder: int) -> bytes | None:
    try:
        handle = os.open(name, _READ, dir_fd=folder)
    except FileNotFoundError:
        return None
    try:
        return _content(handle)
    finally:
        os.close(handle)


def _content(handle: int) -> bytes:
    parts: list[bytes] = []
    while part := os.pread(handle, _CHUNK, sum(map(len, parts))):
        parts.append(part)
    return b"".join(parts)
