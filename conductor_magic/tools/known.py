"""What files were found to hold, and the sign by which it shows that they may hold something else by now.

The sign is what the system notes of a file: its number, size and times. Nobody can set the time of its last change
back, so as long as all of it is the same, so is the content. What may change without a sign has none, and is read anew.
"""

from __future__ import annotations

import os
import time

__all__ = ["GONE", "Known", "Stamp", "settled"]

Stamp = tuple[int, ...]
"""Number, size, and times of the last change of the content and of the file; `GONE` where there is none."""

GONE: Stamp = ()

_UNSURE_NS = 20_000_000
"""A file that was changed this shortly before it was read may be changed again within the same tick of its clock."""


def settled(before: os.stat_result, after: os.stat_result) -> Stamp | None:
    """The sign of what was read between two looks at a file; None when it may not be that of what was read."""
    quiet = _stamp(before) == _stamp(after) and time.time_ns() - after.st_ctime_ns > _UNSURE_NS
    return _stamp(after) if quiet else None


class Known:
    """Path -> the hash of what the file held, and the sign of it where it is compared. Not for several threads at once.

    Attributes:
        compared: the files that somebody is at: a tool has read or written them, a command names them, or they changed.
    """

    def __init__(self) -> None:
        self._shas: dict[str, str | None] = {}
        self.compared: dict[str, Stamp | None] = {}

    def __contains__(self, path: object) -> bool:
        return path in self._shas

    def sha(self, path: str, otherwise: str | None = None) -> str | None:
        """The hash, None where there was no file; `otherwise` when it is not known."""
        return self._shas.get(path, otherwise)

    def expect(self, path: str, sha: str) -> None:
        """What a file holds that nobody is at yet."""
        self._shas[path] = sha

    def note(self, path: str, sha: str | None, sign: Stamp | None = None) -> None:
        """What a file holds that is compared from now on; without its sign it will be read again."""
        self._shas[path] = sha
        self.compared[path] = sign

    def doubtful(self) -> list[str]:
        """The files that may hold something else by now, wherever they lie and whatever was told of them."""
        return [path for path, sign in self.compared.items() if sign is None or sign != _stamp_at(path)]

    def doubts(self, path: str) -> bool:
        """Whether this one may."""
        return path in self.compared and self.compared[path] != _stamp_at(path)


def _stamp(status: os.stat_result) -> Stamp:
    return status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns


def _stamp_at(path: str) -> Stamp:
    try:
        return _stamp(os.lstat(path))
    except OSError:
        return GONE
