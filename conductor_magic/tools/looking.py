"""Looks at files that have changed or may have, and puts what they hold into a row of sightings."""

from __future__ import annotations

import os
from collections import deque
from contextlib import suppress
from dataclasses import dataclass

from conductor_magic.tools.formers import Formers
from conductor_magic.tools.ground import Ground
from conductor_magic.tools.known import Known
from conductor_magic.tools.listening import Listener, Marks
from conductor_magic.tools.versions import GONE_UNSEEN, UNKNOWN, Found, Versions, look, open_inside

__all__ = ["Looker", "Sighting"]


@dataclass(frozen=True, slots=True)
class Sighting:
    """A new version of a file.

    Attributes:
        path: the file, absolute.
        before: hash of the version before, `UNKNOWN` when nobody had looked; None when there was no file.
        sha: hash of this version, `GONE_UNSEEN` when it was overwritten too soon, None when the file is gone.
        tasks: those whose commands ran at that time; empty when none did.
        placed: a tool of ours wrote it, whose call tells of it.
    """

    path: str
    before: str | None
    sha: str | None
    tasks: frozenset[str]
    placed: bool = False


class Looker:
    """Looks at the files of one workspace. Not for several threads at once.

    Args:
        ground: what is watched.
        versions: where contents are kept.

    Attributes:
        listener: what has happened to which file; replaced by the owner.
        known: what files were found to hold.
        formers: files that were replaced.
        found: what was seen, in order.
        calls: the commands that run now; set by the owner.
    """

    def __init__(self, ground: Ground, versions: Versions) -> None:
        self._ground = ground
        self._versions = versions
        self._missed: dict[str, frozenset[str]] = {}
        self._shared: frozenset[str] = frozenset()
        self._aliased = False
        self.listener = Listener(ground)
        self.known = Known()
        self.formers = Formers()
        self.found: deque[Sighting] = deque()
        self.calls: frozenset[int] = frozenset()

    def follow(self, path: str, sha: str | None) -> None:
        """Somebody is at a file: it is compared from now on, wherever it lies.

        Args:
            path: the file.
            sha: what it held just now; what is known of it already counts more.
        """
        if path not in self.known.compared and path not in self.listener.marks:
            # No sign yet: it may have changed since.
            self.known.note(path, self.known.sha(path, sha))
            self.listener.follow(path)

    def wrote(self, path: str, sha: str) -> None:
        """A tool of ours has put a file in place just now."""
        # No sign yet: another may have written to it already.
        self.known.note(path, sha)
        self.listener.follow(path)
        self.listener.listen(self.known)
        self.listener.excuse(path)
        self.listener.part(path)

    # --- what was told -----------------------------------------------------------------------------------------------

    def look_at_ready(self) -> bool:
        """Look at all that something has happened to until now; whether there was any."""
        self.listener.listen(self.known)
        ready = list(self.listener.ready)
        for path in ready:
            self._look(path)
        if self._aliased:
            self._aliased = False
            self.compare_known()
        return bool(ready)

    def look_at_open(self, *, whatever: bool) -> None:
        """Look at what was left open, as by a kernel, or made without being opened.

        Args:
            whatever: no other command runs that could be at it still.
        """
        for path in [path for path, marks in self.listener.marks.items() if marks.written or marks.made]:
            self._look(path, whatever=whatever)

    def _look(self, path: str, *, whatever: bool = False) -> None:
        """Read a file that has changed; left for later while somebody writes to it, unless it is to be `whatever`."""
        listener = self.listener
        listener.ready.pop(path, None)
        marks = listener.marks.pop(path, Marks(tasks=listener.tasks))
        found = self._read(path)
        again = listener.marks.get(path)
        if again is not None and found.writers is not False:
            # It changed while it was read: what was read is neither the one version nor the next.
            again.made = again.made or marks.made
            self._miss(path, found, marks)
            return
        if again is not None:
            listener.ready.pop(path, None)
            marks.add(listener.marks.pop(path))
        if found.writers and not found.content and not whatever:
            # Another writer has emptied it just now, and with it what was closed.
            self._miss(path, found, marks)
            listener.marks[path] = Marks(written=True, made=marks.made, tasks=marks.tasks)
            return
        if found.names > 1 or (marks.made and found.sha is None):
            # What was written under one name is in the file under each, also when that name is gone again.
            self._aliased = True
        self._note(path, found, marks, shared=bool(found.writers) and not whatever)

    # --- what nobody told --------------------------------------------------------------------------------------------

    def compare(self, since: int) -> None:
        """Look at all files that may have changed since a moment."""
        self.listener.compare(since)
        for path in list(self.listener.ready):
            self._look(path)

    def compare_known(self) -> None:
        """Look at all files whose content is known and may be another by now, whatever was told of them."""
        for path in self.known.doubtful():
            self.compare_one(path)

    def compare_one(self, path: str) -> None:
        """Look at one of them."""
        if path in self.listener.marks:
            return  # somebody is at it: it is looked at when it is closed
        found = self._read(path)
        emptied = found.writers and not found.content
        if path in self.listener.marks or emptied:
            if found.handle is not None:
                os.close(found.handle)
        elif found.sha == self.known.sha(path):
            self.known.note(path, found.sha, found.sign)
            if found.handle is not None:
                os.close(found.handle)
        else:
            self._note(path, found, Marks(tasks=self.listener.tasks), shared=False)

    # --- ahead of a command ------------------------------------------------------------------------------------------

    def read_ahead(self, path: str, most: int) -> int:
        """Read a file that has not changed yet, so that it is known what its first change replaced; how many bytes."""
        if path in self.known or path in self.listener.marks or not self._ground.shown(path):
            return 0
        try:
            if os.lstat(path).st_size > most:
                return 0
        except OSError:
            return 0
        self.listener.part(path)
        found = self._read(path)
        if found.handle is None or found.content is None or found.sha is None:
            return 0
        os.close(found.handle)
        if path in self.listener.marks:
            return 0
        self._versions.put(found.sha, found.content)
        self.known.expect(path, found.sha)
        return len(found.content)

    def hold(self, path: str) -> None:
        """Keep a file open that a command is about to use: it may be replaced while the command writes to it."""
        if path in self.known and path not in self.listener.marks:
            self.follow(path, None)
            with suppress(OSError):
                handle = open_inside(self._ground.above(path), path)
                sha = self.known.sha(path)
                self.formers.hold(path, handle, sha, self.calls, self.listener.tasks)

    # --- what was seen -----------------------------------------------------------------------------------------------

    def _read(self, path: str) -> Found:
        return look(self._ground.above(path), path, lambda: self.listener.listen(self.known))

    def _miss(self, path: str, found: Found, marks: Marks) -> None:
        """A version has gone before it could be read."""
        self._missed[path] = self._missed.get(path, frozenset()) | marks.tasks
        if found.handle is not None:
            os.close(found.handle)

    def _note(self, path: str, found: Found, marks: Marks, *, shared: bool) -> None:
        """Take a file's content as its new version.

        Args:
            path: the file.
            found: what it holds.
            marks: what has happened to it.
            shared: somebody else has it open for writing too, and may have overwritten what was closed.
        """
        before = self.known.sha(path, None if marks.made else UNKNOWN)
        # Who closes a file that is as another left it, and had it open then, wrote to it before that, or not at all.
        closed = marks.sessions > 0 and not marks.changed
        unchanged = path in self._shared and closed and found.sha == before
        self._shared = self._shared | {path} if shared else self._shared - {path}
        missed = self._missed.pop(path, marks.tasks if marks.sessions > 1 or unchanged or shared else None)
        if missed is not None:
            self.found.append(Sighting(path, before, GONE_UNSEEN, missed | marks.tasks))
        if found.content is not None and found.sha is not None:
            self._versions.put(found.sha, found.content)
        if before != found.sha:
            self.found.append(Sighting(path, before, found.sha, marks.tasks))
        self.known.note(path, found.sha, found.sign)
        self.listener.part(path)
        if found.handle is not None:
            self.formers.hold(path, found.handle, found.sha, self.calls, self.listener.tasks)
