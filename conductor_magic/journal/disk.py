"""Bytes on the disk: a file that only grows, whole piece by whole piece, and stops for good at the first fault.

A piece is one `write()`, so a killed process loses nothing. Once an event loop drives the file, `fdatasync` follows
within `SYNC_SECONDS` in a thread, once for all pieces since the last, and `await flushed()` waits for it. Until then,
and for whoever else adds something, it follows at once. After a write or a sync that failed nothing more is taken: a
later sync that goes well says nothing of what an earlier one lost.
"""

from __future__ import annotations

import asyncio
import errno
import os
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from conductor_magic.durable import keep_names
from conductor_magic.file_locks import give_back

__all__ = ["SYNC_SECONDS", "GrowingFile", "put_away", "write_again"]

SYNC_SECONDS = 0.2
_PIECE = 1 << 20


class GrowingFile:
    """A file that pieces are added to.

    Args:
        path: where it is.
        handle: the file, opened to append; it is ours from now on.
        size: its bytes so far, all on the disk by the time that something is added.

    Attributes:
        fault: the first thing that went wrong; None as long as all is well.
    """

    def __init__(self, path: Path, handle: int, size: int) -> None:
        self.fault: OSError | None = None
        self._path, self._handle = path, handle
        self._size = self._synced = size
        self._on_fault: Callable[[OSError], None] | None = None
        self._disk = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._syncing: asyncio.Task[None] | None = None
        self._alarm: asyncio.TimerHandle | None = None

    def drive(self, on_fault: Callable[[OSError], None]) -> None:
        """Let the loop that runs here, which must go on turning, put on the disk what it adds.

        Args:
            on_fault: called once, on that loop, when the disk does not take something.
        """
        self._loop, self._on_fault = asyncio.get_running_loop(), on_fault

    def add(self, piece: bytes) -> None:
        """Add the piece to the file, and have it on the disk shortly; at once where the loop that drives is not ours.

        Raises:
            OSError: the disk did not take it, now or before; nothing of the piece is in the file, and nothing more
                will be.
        """
        self._check()
        before = self._size
        try:
            written = os.write(self._handle, piece)
            if written < len(piece):
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            self._size += written
            self._sync_soon()
        except OSError as error:
            self._size = before
            with suppress(OSError):  # what cannot be taken back is a torn tail, which a reader knows
                os.ftruncate(self._handle, before)
            self.fail(error)
            raise

    async def flushed(self) -> None:
        """Wait until everything that was added before this call is on the disk; on the loop that drives.

        Raises:
            OSError: the disk did not take it, or something before it.
        """
        upto = self._size
        while self._synced < upto:
            self._check()
            await asyncio.shield(self._begin_sync())

    def touch(self) -> None:
        """Give the file this moment as the one of its last change."""
        if self._handle >= 0:
            with suppress(OSError):  # it only tells more exactly how long somebody was there
                os.utime(self._handle)

    def fail(self, error: OSError) -> None:
        """Take nothing more from now on, because of what the disk said."""
        self.fault = self.fault or error
        self._call_off()
        tell, self._on_fault = self._on_fault, None
        if tell is not None:
            tell(error)

    def close(self) -> None:
        """Put what is left on the disk and give the file back; idempotent. Whether all went well stands in `fault`."""
        self._call_off()
        try:
            self._sync()
        except OSError as error:
            self.fail(error)
        with self._disk:
            if self._handle >= 0:
                give_back(self._handle)
                self._handle = -1

    def _check(self) -> None:
        if self.fault is not None:
            # An error of its own each time: one that is raised again and again collects all its ways.
            raise OSError(self.fault.errno, self.fault.strerror or str(self.fault), str(self._path))

    def _call_off(self) -> None:
        if self._alarm is not None:
            self._alarm.cancel()
            self._alarm = None

    def _sync_soon(self) -> None:
        try:
            running = asyncio.get_running_loop()
        except RuntimeError:
            running = None
        # A kernel runs a loop too, in the thread that starts a run; it stands still for as long as the cell takes.
        if running is None or running is not self._loop:
            self._sync()
        elif self._alarm is None:
            self._alarm = running.call_later(SYNC_SECONDS, self._begin_sync)

    def _begin_sync(self) -> asyncio.Task[None]:
        self._call_off()
        if self._syncing is None or self._syncing.done():
            self._syncing = asyncio.ensure_future(self._sync_aside())
            self._syncing.add_done_callback(self._sync_on)
        return self._syncing

    def _sync_on(self, done: asyncio.Task[None]) -> None:
        # An alarm that found a sync under way went for nothing.
        if self._synced < self._size and self._alarm is None and self.fault is None and not done.cancelled():
            self._begin_sync()

    async def _sync_aside(self) -> None:
        try:
            await asyncio.to_thread(self._sync)
        except OSError as error:
            self.fail(error)

    def _sync(self) -> None:
        with self._disk:
            upto = self._size
            if self._handle < 0 or upto == self._synced or self.fault is not None:
                return
            try:
                os.fdatasync(self._handle)
            except OSError as error:
                # Here and not where it is told: the next sync, which may go well, must find it.
                self.fault = error
                raise
            self._synced = upto


def put_away(path: Path, content: bytes) -> None:
    """Make a file with this content; it is on the disk then.

    Raises:
        OSError: it could not be made; there is none.
    """
    handle = os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        keep_names(path.parent)
    except OSError:
        path.unlink(missing_ok=True)
        raise


def write_again(path: Path) -> None:
    """Write every byte of a file once more in its place, and put it on the disk.

    Raises:
        OSError: the disk does not take it. The bytes that can be read are the same as before.
    """
    handle = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        at = 0
        while piece := os.pread(handle, _PIECE, at):
            at += os.pwrite(handle, piece, at)
        os.fdatasync(handle)
    finally:
        os.close(handle)
