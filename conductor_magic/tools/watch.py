"""Sees which files of a workspace change while commands run, and keeps what each version held.

Linux tells at once (inotify), so a version that is overwritten a moment later is still read in between; a thread of its
own waits for that. Elsewhere, and where the system has no watches to spare, the files that changed during a command
are found by their time stamps when it has ended.

Every change is noted with the tasks whose commands ran at that time: whoever else could it have been?
"""

from __future__ import annotations

import logging
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from conductor_magic.tools.formers import Former, Formers
from conductor_magic.tools.ground import Ground
from conductor_magic.tools.listening import Listener, Marks
from conductor_magic.tools.versions import GONE_UNSEEN, UNKNOWN, Found, Versions, digest, look, open_inside

__all__ = ["Sighting", "Watch"]

_log = logging.getLogger(__name__)
_BREATH_SECONDS = 0.001
_AHEAD_FILES, _AHEAD_BYTES, _AHEAD_EACH = 2_000, 16 << 20, 256 << 10
"""What is read before it changes: in a workspace of at most so many files, so many bytes in all and of each."""


@dataclass(frozen=True, slots=True)
class Sighting:
    """A new version of a file.

    Attributes:
        path: the file, absolute.
        before: hash of the version before, `UNKNOWN` when nobody had looked; None when there was no file.
        sha: hash of this version, `GONE_UNSEEN` when it was overwritten too soon, None when the file is gone.
        tasks: those whose commands ran at that time; empty when none did.
    """

    path: str
    before: str | None
    sha: str | None
    tasks: frozenset[str]


class Watch:
    """The eyes on one workspace. But for `harvest` and `late`, its methods may wait a moment: call them in a thread.

    Args:
        ground: what is watched.
        versions: where contents are kept.
    """

    def __init__(self, ground: Ground, versions: Versions) -> None:
        self._ground = ground
        self._versions = versions
        self._lock = threading.RLock()
        self._listener = Listener(ground)
        self._thread: threading.Thread | None = None
        self._wake = -1, -1
        self._known: dict[str, str | None] = {}
        self._ahead: deque[str] = deque()
        self._room = _AHEAD_BYTES
        self._missed: dict[str, frozenset[str]] = {}
        self._shared: frozenset[str] = frozenset()
        self._calls: dict[int, tuple[str, int]] = {}
        self._number = 0
        self._good = 0
        self._found: deque[Sighting] = deque()
        self._formers = Formers()
        self._late: deque[tuple[Former, str]] = deque()

    @property
    def trouble(self) -> str:
        """Why changes are only found after each command; empty as long as they are seen at once."""
        return self._listener.trouble

    def start(self) -> None:
        """Begin."""
        listener = Listener(self._ground)
        # A large workspace takes a while; what tools write meanwhile goes on, and is known already.
        listener.start()
        with self._lock:
            listener.listen({})
            for path in self._known:
                listener.ours(path)
            self._listener, self._good = listener, time.time_ns()
            if sum(map(len, listener.names.values())) <= _AHEAD_FILES:
                self._ahead.extend(f"{folder}/{name}" for folder, names in listener.names.items() for name in names)
            if listener.handle is not None:
                self._wake = os.pipe()
                self._thread = threading.Thread(target=self._live, name="conductor-watch", daemon=True)
                self._thread.start()

    def close(self) -> None:
        """End the thread and give everything back."""
        if self._thread is not None:
            os.write(self._wake[1], b".")
            self._thread.join()
            for end in self._wake:
                os.close(end)
        self._thread = None
        with self._lock:
            self._listener.stop()
            self._formers.close()

    def begin(self, task: str, text: str) -> int:
        """A command of a task is about to run; returns its number.

        Args:
            task: whose it is.
            text: the command: the files that it names are read first, so that what they held is known.
        """
        with self._lock:
            self._catch_up()
            for path in self._ground.named(text):
                self._read_ahead(path)
                self._hold(path)
            self._number += 1
            self._calls[self._number] = (task, time.time_ns())
            self._listener.tasks = frozenset(task for task, _ in self._calls.values())
            return self._number

    def end(self, call: int) -> None:
        """The command has ended, with all that it started."""
        with self._lock:
            self._catch_up()
            # Left open by a kernel, or made without being opened; another's command may be at it still.
            for path in [path for path, marks in self._listener.marks.items() if marks.written or marks.made]:
                self._look(path, whatever=len(self._calls) == 1)
            if self._listener.handle is None:
                self._compare(self._calls[call][1])
            del self._calls[call]
            self._listener.tasks = frozenset(task for task, _ in self._calls.values())
            for former, content in self._formers.finished(self._calls):
                self._versions.put(digest(content), content)
                self._late.append((former, digest(content)))

    def catch_up(self) -> None:
        """Take in all that has happened until now."""
        with self._lock:
            self._catch_up()

    def harvest(self) -> Iterator[Sighting]:
        """What has been taken in since the last time, in order. Does not wait; always to be called on one thread."""
        while self._found:
            yield self._found.popleft()

    def late(self) -> Iterator[tuple[Former, str]]:
        """What was written to files that had been replaced, as hashes; as `harvest`."""
        while self._late:
            yield self._late.popleft()

    def saw(self, path: str, content: bytes, sha: str) -> None:
        """Somebody has read this file: what it held is known from now on, if it was not."""
        self._versions.put(sha, content)
        with self._lock:
            if path not in self._listener.marks:
                self._known.setdefault(path, sha)

    def write(
        self, path: str, before: str | None, content: bytes, tasks: frozenset[str], place: Callable[[], int | None]
    ) -> None:
        """Let a tool of ours write a file: a sighting of its own, after all that has happened before.

        Args:
            path: the file.
            before: hash of what it holds, None when there is none.
            content: what it will hold.
            tasks: the one whose tool it is; none for the person's.
            place: writes it; returns a descriptor of the file that was replaced, if there was one.
        """
        with self._lock:
            self._catch_up()
            former = place()
            sha = digest(content)
            self._versions.put(sha, content)
            self._found.append(Sighting(path, before, sha, tasks))
            self._known[path] = sha
            folder, _, name = path.rpartition("/")
            self._listener.names.setdefault(folder, set()).add(name)
            self._listener.listen(self._known)
            self._listener.excuse(path)
            self._listener.part(path)
            if former is not None:
                calls = frozenset(self._calls)
                self._formers.replaced(Former(path, former, before, calls, self._listener.tasks, tasks))

    # --- the thread --------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        poll = select.poll()
        assert self._listener.handle is not None
        for handle in (self._listener.handle, self._wake[0]):
            poll.register(handle, select.POLLIN)
        while True:
            told = poll.poll(0 if self._ahead or self._listener.ready else None)
            if any(handle == self._wake[0] for handle, _ in told):
                return
            try:
                with self._lock:
                    looked = self._catch_up()
                    if not told and self._ahead and self._room > 0:
                        self._read_ahead(self._ahead.popleft())
                    if self._listener.handle is None:
                        return
            except Exception as error:  # noqa: BLE001 - without the watch there is the comparison
                _log.exception("the watch on the workspace failed; changes are found after each command from now on")
                with self._lock:
                    self._listener.trouble = f"the watch failed: {error}"
                    self._listener.stop()
                return
            if told and not looked:
                # Somebody writes without a pause: what comes meanwhile is told as one.
                time.sleep(_BREATH_SECONDS)

    def _catch_up(self) -> bool:
        """Take in what has happened until now; whether a file was looked at."""
        self._listener.listen(self._known)
        ready = list(self._listener.ready)
        for path in ready:
            self._look(path)
        if self._listener.overflowed:
            self._listener.overflowed = False
            self._compare(self._good)
        self._good = time.time_ns()
        return bool(ready)

    # --- looking -----------------------------------------------------------------------------------------------------

    def _look(self, path: str, *, whatever: bool = False) -> None:
        """Read a file that has changed; left for later while somebody writes to it, unless it is to be `whatever`."""
        listener = self._listener
        listener.ready.pop(path, None)
        marks = listener.marks.pop(path, Marks(tasks=listener.tasks))
        found = look(self._ground.top, path, lambda: listener.listen(self._known))
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
        self._note(path, found, marks, shared=bool(found.writers) and not whatever)

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
        before = self._known.get(path, None if marks.made else UNKNOWN)
        # Who closes a file that is as another left it, and had it open then, wrote to it before that, or not at all.
        unchanged = path in self._shared and not marks.changed and found.sha == before
        self._shared = self._shared | {path} if shared else self._shared - {path}
        missed = self._missed.pop(path, marks.tasks if marks.sessions > 1 or unchanged or shared else None)
        if missed is not None:
            self._found.append(Sighting(path, before, GONE_UNSEEN, missed | marks.tasks))
        if found.content is not None and found.sha is not None:
            self._versions.put(found.sha, found.content)
        if before != found.sha:
            self._found.append(Sighting(path, before, found.sha, marks.tasks))
        self._known[path] = found.sha
        self._listener.part(path)
        if found.handle is not None:
            self._formers.hold(path, found.handle, found.sha, frozenset(self._calls), self._listener.tasks)

    def _read_ahead(self, path: str) -> None:
        """Read a file that has not changed yet, so that it is known what its first change replaced."""
        if path in self._known or path in self._listener.marks or not self._ground.shown(path):
            return
        try:
            if os.lstat(path).st_size > _AHEAD_EACH:
                return
        except OSError:
            return
        self._listener.part(path)
        found = look(self._ground.top, path, lambda: self._listener.listen(self._known))
        if found.handle is None or found.content is None or found.sha is None:
            return
        if path in self._listener.marks:
            os.close(found.handle)
            return
        self._room -= len(found.content)
        self.saw(path, found.content, found.sha)
        os.close(found.handle)

    def _hold(self, path: str) -> None:
        """Keep a file open that a command is about to use: it may be replaced while the command writes to it."""
        if path in self._known and path not in self._listener.marks:
            with suppress(OSError):
                handle = open_inside(self._ground.top, path)
                self._formers.hold(path, handle, self._known[path], frozenset(self._calls), self._listener.tasks)

    def _compare(self, since: int) -> None:
        """Look at all files that may have changed since a moment."""
        self._listener.compare(since)
        for path in list(self._listener.ready):
            self._look(path)
