"""Contents of files by their hash, kept while a run lasts: in memory as long as there is room, then on the disk."""

from __future__ import annotations

import errno
import fcntl
import hashlib
import logging
import os
import signal
import stat
import sys
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from conductor_magic.beneath import open_beneath
from conductor_magic.tools.known import GONE, Stamp, settled
from conductor_magic.tools.spill import Spill

__all__ = ["GONE_UNSEEN", "LARGEST_KEPT", "UNKNOWN", "Found", "Versions", "digest", "look", "open_inside"]

LARGEST_KEPT = 10 << 20
"""Bytes of the largest content that is kept: what Write and Edit take."""

_log = logging.getLogger(__name__)
_LARGEST_HASHED = 64 << 20
_LARGEST_IN_MEMORY = 1 << 20
_IN_MEMORY, _ON_DISK = 96 << 20, 1 << 30
_CHUNK = 1 << 20
_PAUSES = (0.0, 0.0001, 0.0005)

UNKNOWN = "?"
"""Stands for the hash of a version that was there before anybody looked."""

GONE_UNSEEN = "-"
"""Stands for the hash of a version that was overwritten before it could be read."""


def digest(content: bytes) -> str:
    """The sha256 of some content, in hex."""
    return hashlib.sha256(content).hexdigest()


@dataclass(frozen=True, slots=True)
class Found:
    """What lies at a path now.

    Attributes:
        sha: sha256 of the content, or, of a giant, what tells its versions apart; None when there is no regular file.
        content: the content, unless it is too large to be kept.
        writers: whether somebody had it open for writing; None where the system does not tell.
        handle: a descriptor of it, the caller's to close, if its content is kept.
        sign: by what it shows that it holds something else by now; None when that may happen without a sign.
        names: how many names it has (hard links).
    """

    sha: str | None
    content: bytes | None = None
    writers: bool | None = None
    handle: int | None = None
    sign: Stamp | None = None
    names: int = 1


def open_inside(top: str, path: str) -> int:
    """Open a file below a folder for reading, following no link at all: who changes files may also swap folders.

    Raises:
        OSError: it is not there, or not without a link.
    """
    return open_beneath(
        Path(top), Path(path).relative_to(top), os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK, links=False
    )


def look(top: str, path: str, then: Callable[[], None]) -> Found:
    """Read a file as far as it is worth keeping. Never follows a link, never waits, never raises.

    Args:
        top: the folder that it must lie in.
        path: the file.
        then: called once it is read; where there are leases, nobody opens it for writing before that.
    """
    try:
        handle = open_inside(top, path)
    except OSError as error:
        return Found(None, sign=GONE if error.errno == errno.ENOENT else None)
    found = Found(None)
    try:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode):
            pass
        elif status.st_size > _LARGEST_HASHED:
            found = Found(f"{status.st_size}@{status.st_mtime_ns}")
        elif status.st_size > LARGEST_KEPT:
            found = Found(_digest_of(handle))
        else:
            found = _read(handle, then)
        # Who has it open for writing may have it in memory, and then changes it without a sign.
        sign = None if found.writers else settled(status, os.fstat(handle))
        found = replace(found, sign=sign, names=status.st_nlink)
    except OSError:
        pass
    finally:
        if found.handle is None:
            os.close(handle)
    return found


def _read(handle: int, then: Callable[[], None]) -> Found:
    writers = _has_writers(handle)
    try:
        content = os.read(handle, LARGEST_KEPT + 1)
        then()
    finally:
        if writers is False:
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    if len(content) > LARGEST_KEPT:
        return Found(digest(content), None, writers)
    return Found(digest(content), content, writers, handle)


def _digest_of(handle: int) -> str:
    whole = hashlib.sha256()
    while part := os.read(handle, _CHUNK):
        whole.update(part)
    return whole.hexdigest()


def _has_writers(handle: int) -> bool | None:
    """Whether somebody has the file open for writing. If not, nobody can open it so until the lease is given back.

    Linux gives a lease for reading only while no writer has the file, and lets a writer wait until it is given back.
    The signal that a waiting writer causes is set to one that nobody listens to. None where there are no leases.
    """
    if sys.platform != "linux":
        return None
    for pause in (*_PAUSES, None):
        try:
            fcntl.fcntl(handle, fcntl.F_SETSIG, signal.SIGURG)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
        except OSError as error:
            if error.errno != errno.EAGAIN:
                return None
        else:
            return False
        if pause is not None:
            # Linux tells that a file was closed a moment before it counts it as closed.
            time.sleep(pause)
    return True


class Versions:
    """Contents by hash. Any thread may use it.

    What our own tools wrote or replaced is always kept. Of what commands made, the disk takes a bounded amount.

    Args:
        folder: where what memory has no room for is put (without a name).
        in_memory: bytes that are kept in memory.
        on_disk: bytes beyond which the disk takes only what our own tools wrote or replaced.
    """

    def __init__(self, folder: Path, in_memory: int = _IN_MEMORY, on_disk: int = _ON_DISK) -> None:
        self._room, self._disk_room = in_memory, on_disk
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._ours: set[str] = set()
        self._size = 0
        self._spill = Spill(folder)
        self._lock = threading.Lock()

    def put(self, sha: str, content: bytes, *, ours: bool = False) -> None:
        """Keep a content, unless it is too large.

        Args:
            sha: its hash.
            content: what it is.
            ours: a tool of ours wrote or replaced it.
        """
        if len(content) > LARGEST_KEPT:
            return
        with self._lock:
            if ours:
                self._ours.add(sha)
            if sha in self._kept:
                self._kept.move_to_end(sha)
            elif len(content) > _LARGEST_IN_MEMORY:
                self._put_on_disk(sha, content)
            elif sha not in self._spill:
                self._kept[sha] = content
                self._size += len(content)
            while self._size > self._room:
                oldest, dropped = self._kept.popitem(last=False)
                self._size -= len(dropped)
                self._put_on_disk(oldest, dropped)

    def get(self, sha: str | None) -> bytes | None:
        """The content of this hash, or None when it is not kept (or there is no file)."""
        with self._lock:
            if sha is None:
                return None
            if sha not in self._kept:
                return self._spill.get(sha)
            self._kept.move_to_end(sha)
            return self._kept[sha]

    def close(self) -> None:
        """Forget all of them."""
        with self._lock:
            self._kept.clear()
            self._size = 0
            self._spill.close()

    def _put_on_disk(self, sha: str, content: bytes) -> None:
        if sha not in self._ours and self._spill.size + len(content) > self._disk_room:
            return
        try:
            self._spill.put(sha, content)
        except OSError as error:
            _log.warning("a version of %d bytes could not be kept: %s", len(content), error)
