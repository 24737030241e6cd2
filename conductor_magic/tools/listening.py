"""Which files of a watched workspace something has happened to, by what the system tells as it happens."""

from __future__ import annotations

import errno
import os
from collections.abc import Container
from dataclasses import dataclass

from conductor_magic.tools.ground import Ground
from conductor_magic.tools.inotify import Happened, Inotify

__all__ = ["Listener", "Marks"]

_SLACK_NS = 50_000_000
"""How much older than a moment a time stamp of that moment may be: the system's clock for files is coarse."""


@dataclass(slots=True)
class Marks:
    """What has happened to a file since it was last looked at.

    Attributes:
        changed: it was written to.
        written: it was written to, and whoever does has not closed it yet.
        made: there was no file of this name before.
        sessions: how often it was closed after writing, or came from elsewhere.
        tasks: those whose commands ran at the time.
    """

    changed: bool = False
    written: bool = False
    made: bool = False
    sessions: int = 0
    tasks: frozenset[str] = frozenset()

    def add(self, later: Marks) -> None:
        """What happened a little later belongs to it."""
        self.changed = self.changed or later.changed
        self.written = later.written
        self.made = self.made or later.made
        self.sessions += later.sessions
        self.tasks |= later.tasks


class Listener:
    """Keeps the names of all watched files, and what has happened to them. Not for several threads at once.

    Args:
        ground: what is watched.

    Attributes:
        names: watched folder -> the names of the files in it.
        marks: path -> what has happened to it.
        ready: the paths that are to be looked at, in the order in which they changed.
        overflowed: events are missing.
        trouble: why nothing is told; empty while something is.
        tasks: those whose commands run now; set by the owner.
    """

    def __init__(self, ground: Ground) -> None:
        self._ground = ground
        self._inotify: Inotify | None = None
        self.names: dict[str, set[str]] = {}
        self._followed: dict[str, set[str]] = {}
        self.marks: dict[str, Marks] = {}
        self.ready: dict[str, None] = {}
        self.overflowed = False
        self.tasks: frozenset[str] = frozenset()
        self.trouble = ""

    @property
    def handle(self) -> int | None:
        """The descriptor that becomes readable when something happens; None when nothing is told."""
        return None if self._inotify is None else self._inotify.handle

    def start(self) -> None:
        """Begin."""
        try:
            self._inotify = Inotify()
        except OSError as error:
            self.trouble = error.strerror or str(error)
        self.enter(self._ground.top)

    def stop(self) -> None:
        """Listen no longer; the names stay."""
        if self._inotify is not None:
            self._inotify.close()
            self._inotify = None

    def listen(self, known: Container[str]) -> None:
        """Take in what has happened until now.

        Args:
            known: the files whose content is known: they are looked at even when only their closing is told (what
                is written through memory is not).
        """
        for event in () if self._inotify is None else self._inotify.read():
            folder, _, name = event.path.rpartition("/")
            if event.kind == "overflow":
                self.overflowed = True
            elif folder not in self.names:
                if not event.folder and event.path in known and folder in self._followed:
                    self._take(event, name, self._followed[folder], known=True)
            elif event.folder:
                self._take_folder(event)
            else:
                self._take(event, name, self.names[folder], known=event.path in known)

    def enter(self, top: str) -> list[str]:
        """Watch a folder with all below it; the files that are there. Without watches to spare it listens no longer."""
        files: list[str] = []
        for folder, names in self._ground.folders(top):
            if names is None:
                self._add(folder)
            else:
                self.names.setdefault(folder, set()).update(names)
                files += [f"{folder}/{name}" for name in names]
        return files

    def _add(self, folder: str) -> None:
        try:
            if self._inotify is not None:
                self._inotify.add(folder)
        except OSError as error:
            # Else it is gone again, or closed to us.
            if error.errno in (errno.ENOSPC, errno.ENOMEM):
                self.trouble = "the system has no watches to spare"
                self.stop()

    def follow(self, path: str) -> None:
        """Watch this file, which is there, wherever it lies."""
        folder, _, name = path.rpartition("/")
        if folder in self.names:
            self.names[folder].add(name)
        else:
            # Each time anew: the folder may have been replaced by another, which nobody tells.
            self._add(folder)
            self._followed.setdefault(folder, set()).add(name)

    def part(self, path: str) -> None:
        """Tell the closings of this file one by one from now on, under whatever name it was opened."""
        if self._inotify is not None:
            self._inotify.watch(path)

    def compare(self, since: int) -> None:
        """Mark the files whose time stamp is not older than a moment (in ns), the new ones, and those that are gone."""
        former = {f"{folder}/{name}" for folder, names in self.names.items() for name in names}
        there = set(self.enter(self._ground.top))
        for path in there:
            if path not in former or _changed_at(path) >= since - _SLACK_NS:
                self.mark(path, made=path not in former)
        for path in former - there:
            folder, _, name = path.rpartition("/")
            self.names[folder].discard(name)
            self.mark(path, made=False)

    def ours(self, path: str) -> None:
        """What has happened to this file was our own doing."""
        self.follow(path)
        self.marks.pop(path, None)
        self.ready.pop(path, None)

    def excuse(self, path: str) -> None:
        """One of the times that this file came was our own doing."""
        marks = self.marks.get(path)
        if marks is not None:
            marks.sessions -= 1
            if marks.sessions <= 0 and not marks.written:
                del self.marks[path]
                self.ready.pop(path, None)

    def mark(self, path: str, *, made: bool) -> None:
        """Have a file looked at that may have changed."""
        marks = self.marks.setdefault(path, Marks())
        marks.made = marks.made or made
        marks.tasks |= self.tasks
        marks.sessions = 1
        self.ready[path] = None

    def _take(self, event: Happened, name: str, names: set[str], *, known: bool) -> None:
        marks = self.marks.setdefault(event.path, Marks())
        marks.tasks |= self.tasks
        match event.kind:
            case "created" | "came":
                marks.made = marks.made or name not in names
                names.add(name)
            case "gone":
                names.discard(name)
            case "modified":
                marks.written = marks.changed = True
        if event.kind == "gone":
            self.ready[event.path] = None
        elif event.kind in ("came", "hidden") or (event.kind == "closed" and (marks.written or marks.made or known)):
            marks.sessions += 1
            marks.written = False
            self.ready[event.path] = None

    def _take_folder(self, event: Happened) -> None:
        if event.kind in ("created", "came") and self._ground.enters(event.path):
            for path in self.enter(event.path):
                self.mark(path, made=True)
        elif event.kind == "gone":
            for path in self._forget(event.path):
                self.mark(path, made=False)

    def _forget(self, top: str) -> list[str]:
        """Watch a folder and what is below it no longer; the files that were there."""
        below = [folder for folder in self.names if f"{folder}/".startswith(f"{top}/")]
        return [f"{folder}/{name}" for folder in below for name in self.names.pop(folder)]


def _changed_at(path: str) -> int:
    try:
        return os.lstat(path).st_ctime_ns
    except OSError:
        return 0
