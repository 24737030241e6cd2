"""Linux tells what happens to files: one descriptor, the folders that it watches, and the events as they come."""

from __future__ import annotations

import ctypes
import fcntl
import os
import struct
import sys
import termios
from collections.abc import Iterator
from dataclasses import dataclass

__all__ = ["Happened", "Inotify"]

_MODIFY, _CLOSE_WRITE, _MOVED_FROM, _MOVED_TO = 0x2, 0x8, 0x40, 0x80
_CREATE, _DELETE = 0x100, 0x200
_OVERFLOW, _IGNORED, _ONLY_FOLDERS, _FOLDER = 0x4000, 0x8000, 0x0100_0000, 0x4000_0000
_DONT_FOLLOW = 0x0200_0000
_WANTED = _MODIFY | _CLOSE_WRITE | _MOVED_FROM | _MOVED_TO | _CREATE | _DELETE | _ONLY_FOLDERS | _DONT_FOLLOW
_HEAD = struct.Struct("iIII")
_KINDS = {
    _MODIFY: "modified", _CLOSE_WRITE: "closed", _MOVED_FROM: "gone", _DELETE: "gone", _MOVED_TO: "came",
    _CREATE: "created",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Happened:
    """One event.

    Attributes:
        kind: `created`, `modified`, `closed` (after writing), `came` (moved here), `gone` (removed or moved away),
            `hidden` (a file that is watched itself was closed after writing, under another name), or `overflow`: the
            system could not keep up, so events are missing.
        path: what it happened to, absolute; empty for `overflow`.
        folder: it is a folder.
    """

    kind: str
    path: str
    folder: bool = False


class Inotify:
    """The events of all watched folders, in the order in which they happened.

    Raises:
        OSError: this system has no such thing, or none to spare.
    """

    def __init__(self) -> None:
        if sys.platform != "linux":
            raise OSError("inotify exists only on Linux")
        self._libc = ctypes.CDLL(None, use_errno=True)
        self.handle: int = self._libc.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
        if self.handle < 0:
            raise self._trouble("inotify_init1")
        self._folders: dict[int, str] = {}
        self._files: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._closed: dict[str, int] = {}

    def add(self, folder: str) -> None:
        """Watch what happens directly in a folder; one that was moved is watched under its new name.

        Raises:
            OSError: it is gone, or the system watches as many folders as it is allowed to (ENOSPC).
        """
        number = self._libc.inotify_add_watch(self.handle, os.fsencode(folder), ctypes.c_uint32(_WANTED))
        if number < 0:
            raise self._trouble(folder)
        self._folders[number] = folder

    def watch(self, file: str) -> None:
        """Watch a file itself, beside its folder: then what is written to it under another name is told too.

        It also makes two closings told as two, although nothing else happens in between: equal events in a row are
        told as one, and those of the file itself part them.
        """
        number = self._libc.inotify_add_watch(
            self.handle, os.fsencode(file), ctypes.c_uint32(_CLOSE_WRITE | _DONT_FOLLOW)
        )
        before = self._numbers.get(file)
        if number < 0 or number == before:
            return
        if before is not None:
            self._files.pop(before, None)
        self._files[number], self._numbers[file] = file, number
        self._closed.pop(file, None)

    def read(self) -> Iterator[Happened]:
        """What has happened since the last time; nothing when there is nothing."""
        waiting = struct.unpack("i", fcntl.ioctl(self.handle, termios.FIONREAD, b"\0" * 4))[0]
        if not waiting:
            return
        data = os.read(self.handle, waiting)
        at = 0
        while at < len(data):
            number, mask, _, length = _HEAD.unpack_from(data, at)
            at += _HEAD.size + length
            if mask & _OVERFLOW:
                yield Happened("overflow", "")
            elif mask & _IGNORED:
                self._folders.pop(number, None)
                if (file := self._files.pop(number, None)) is not None and self._numbers.get(file) == number:
                    del self._numbers[file]
            elif (file := self._files.get(number)) is not None:
                yield from self._itself(file)
            elif (folder := self._folders.get(number)) is not None:
                name = data[at - length : at].rstrip(b"\0")
                kind = _KINDS.get(mask & 0xFFF, "")
                if kind and name:
                    path = f"{folder}/{os.fsdecode(name)}"
                    if kind == "closed" and path in self._numbers:
                        self._closed[path] = self._closed.get(path, 0) + 1
                    yield Happened(kind, path, bool(mask & _FOLDER))

    def _itself(self, file: str) -> Iterator[Happened]:
        """A watched file was closed: told by its folder too, unless it was opened under another name."""
        told = self._closed.get(file, 0)
        if told:
            self._closed[file] = told - 1
        else:
            yield Happened("hidden", file)

    def close(self) -> None:
        """Give the descriptor back."""
        if self.handle >= 0:
            os.close(self.handle)
            self.handle = -1

    def _trouble(self, what: str) -> OSError:
        number = ctypes.get_errno()
        return OSError(number, os.strerror(number), what)
