"""Every version of every file that changed in the run: who made it, and which workers know it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

from conductor_magic.tools.base import ToolContext
from conductor_magic.tools.collisions import Contender
from conductor_magic.tools.judging import Version
from conductor_magic.tools.ledger import Ledger
from conductor_magic.tools.looking import Sighting
from conductor_magic.tools.versions import UNKNOWN, Versions

__all__ = ["Histories"]

_LONGEST = 400


class Histories:
    """The files' histories. A worker knows what it read, and what it made itself on top of what it knew.

    Args:
        ledger: the run.
        contents: what the versions hold.

    Attributes:
        files: path -> its versions; the first is what was there before the run.
        number: of the last version of any file.
    """

    def __init__(self, ledger: Ledger, contents: Versions) -> None:
        self._ledger = ledger
        self._contents = contents
        self.files: dict[str, list[Version]] = {}
        self.number = 0
        self._latest: dict[str, int] = {}
        self._workers: dict[str, str] = {}
        self._known: dict[tuple[str, str], int] = {}
        self._read: dict[tuple[str, str], str] = {}

    def join(self, context: ToolContext) -> None:
        """This worker is at its task now."""
        self._workers[context.task] = context.worker

    def read(self, path: Path, sha: str, context: ToolContext) -> None:
        """A worker has read this version."""
        self._read[context.worker, str(path)] = sha

    def add(self, sightings: Iterable[Sighting]) -> None:
        """Take in what has been seen, in order."""
        for sighting in sightings:
            versions = self.files.setdefault(sighting.path, [Version(0, sighting.before)])
            former = versions[-1]
            self.number += 1
            moment = self._ledger.moment()
            versions.append(Version(self.number, sighting.sha, sighting.tasks, moment, credited=sighting.placed))
            if sighting.sha is not None:
                self._latest[sighting.sha] = self.number
            if len(sighting.tasks) == 1:
                self._build_on(sighting.path, former, versions[-1])
            if len(versions) > _LONGEST:
                del versions[1 : len(versions) - _LONGEST // 2]

    def attribute(self, path: str, version: Version, task: str) -> None:
        """Of those that may have made a version, it was this task."""
        version.tasks = frozenset({task})
        versions = self.files[path]
        self._build_on(path, versions[versions.index(version) - 1], version)

    def _build_on(self, path: str, former: Version, version: Version) -> None:
        """Who knew the version before knows the one that it made of it."""
        (task,) = version.tasks
        worker = self._workers.get(task, "")
        if self._knows(worker, task, path, former):
            self._known[worker, path] = max(version.number, self._known.get((worker, path), 0))

    def knowledge(self, path: str, context: ToolContext) -> Callable[[Version], bool]:
        """Which versions of a file a worker knows."""
        return partial(self._knows, context.worker, context.task, path)

    def is_at(self, path: str, task: str) -> bool:
        """Whether the worker at this task has read the file, or changed it on top of what it knew."""
        key = self._workers.get(task, ""), path
        return key in self._read or key in self._known

    def strangers(self, path: str, context: ToolContext) -> tuple[Version, list[Version]]:
        """The last version that a worker knows, and those that others have made since."""
        versions = self.files.get(path) or [Version(0, UNKNOWN)]
        knows = self.knowledge(path, context)
        start = max(place for place, version in enumerate(versions) if version.number == 0 or knows(version))
        return versions[start], [version for version in versions[start + 1 :] if version.tasks != {context.task}]

    def lives_on(self, version: Version) -> bool:
        """Whether a later version, of this file or another, holds the same: it was moved, or put back."""
        return version.sha is not None and self._latest.get(version.sha, 0) > version.number

    def contender(self, version: Version) -> Contender:
        """A version with its content."""
        content = self._contents.get(version.sha)
        return Contender(version.tasks, content, content is not None or version.sha is None)

    def _knows(self, worker: str, task: str, path: str, version: Version) -> bool:
        standing = self._ledger.standing(task)
        return (
            version.number <= self._known.get((worker, path), 0)
            or version.sha == self._read.get((worker, path), UNKNOWN)
            or version.moment <= standing.launched
            or (bool(version.tasks) and version.tasks <= standing.after)
        )
