"""Sees which files of a workspace change while commands run, and keeps what each version held.

What is relied on is the comparison when a command has ended: every file that a tool has read or written, that a command
has named, or that has changed before is looked at if the system's notes of it are not what they were, wherever it
lies. Besides, Linux tells at once (inotify), so new files are seen, and a version that is overwritten a
moment later is still read in between; a thread of its own waits for that. Elsewhere, and where the system has no
watches to spare, all files are compared by their times.

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

from conductor_magic.imports import OUR_THREADS
from conductor_magic.tools.formers import Former
from conductor_magic.tools.ground import Ground
from conductor_magic.tools.listening import Listener
from conductor_magic.tools.looking import Looker, Sighting
from conductor_magic.tools.versions import LARGEST_KEPT, Versions, digest

__all__ = ["Watch"]

_log = logging.getLogger(__name__)
_BREATH_SECONDS = 0.001
_AHEAD_FILES, _AHEAD_BYTES, _AHEAD_EACH = 2_000, 16 << 20, 256 << 10
"""What is read before it changes: in a workspace of at most so many files, so many bytes in all and of each; and of
what one command names, so many bytes in all."""


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
        self._looker = Looker(ground, versions)
        self._thread: threading.Thread | None = None
        self._wake = -1, -1
        self._ahead: deque[str] = deque()
        self._room = _AHEAD_BYTES
        self._calls: dict[int, tuple[str, int]] = {}
        self._number = 0
        self._good = 0
        self._late: deque[tuple[Former, str]] = deque()

    @property
    def trouble(self) -> str:
        """Why changes are only found after each command; empty as long as they are seen at once."""
        return self._looker.listener.trouble

    def start(self) -> None:
        """Begin."""
        listener = Listener(self._ground)
        # A large workspace takes a while; what tools write meanwhile goes on, and is known already.
        listener.start()
        with self._lock:
            listener.listen(())
            for path in self._looker.known.compared:
                listener.ours(path)
            self._looker.listener, self._good = listener, time.time_ns()
            if sum(map(len, listener.names.values())) <= _AHEAD_FILES:
                self._ahead.extend(f"{folder}/{name}" for folder, names in listener.names.items() for name in names)
            if listener.handle is not None:
                self._wake = os.pipe()
                self._thread = threading.Thread(target=self._live, name=f"{OUR_THREADS}watch", daemon=True)
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
            self._looker.listener.stop()
            self._looker.formers.close()

    def begin(self, task: str, text: str) -> int:
        """A command of a task is about to run; returns its number.

        Args:
            task: whose it is.
            text: the command: the files that it names are read first, so that what they held is known.
        """
        with self._lock:
            self._catch_up()
            if not self._calls:
                # What nobody told was nobody's command until now.
                self._looker.compare_known()
            room = _AHEAD_BYTES
            for path in self._ground.named(text):
                room -= self._looker.read_ahead(path, min(room, LARGEST_KEPT))
                self._looker.hold(path)
            self._number += 1
            self._calls[self._number] = (task, time.time_ns())
            self._tell_who_runs()
            return self._number

    def end(self, call: int) -> None:
        """The command has ended, with all that it started."""
        with self._lock:
            self._catch_up()
            # Left open by a kernel, or made without being opened; another's command may be at it still.
            self._looker.look_at_open(whatever=len(self._calls) == 1)
            if self._looker.listener.handle is None:
                self._looker.compare(self._calls[call][1])
            self._looker.compare_known()
            del self._calls[call]
            self._tell_who_runs()
            for former, content in self._looker.formers.finished(self._calls):
                self._versions.put(digest(content), content)
                self._late.append((former, digest(content)))

    def catch_up(self, path: str = "") -> None:
        """Take in all that has happened until now, also what nobody told of one file."""
        with self._lock:
            self._catch_up()
            if self._looker.known.doubts(path):
                self._looker.compare_one(path)

    def harvest(self) -> Iterator[Sighting]:
        """What has been taken in since the last time, in order. Does not wait; always to be called on one thread."""
        while self._looker.found:
            yield self._looker.found.popleft()

    def late(self) -> Iterator[tuple[Former, str]]:
        """What was written to files that had been replaced, as hashes; as `harvest`."""
        while self._late:
            yield self._late.popleft()

    def saw(self, path: str, content: bytes, sha: str) -> None:
        """Somebody has read this file: what it held is known from now on, if it was not."""
        self._versions.put(sha, content)
        with self._lock:
            self._looker.follow(path, sha)

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
            self.catch_up(path)
            former = place()
            sha = digest(content)
            self._versions.put(sha, content, ours=True)
            self._looker.found.append(Sighting(path, before, sha, tasks, placed=True))
            self._looker.wrote(path, sha)
            if former is not None:
                calls, running = self._looker.calls, self._looker.listener.tasks
                self._looker.formers.replaced(Former(path, former, before, calls, running, tasks))

    # --- the thread --------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        poll = select.poll()
        assert self._looker.listener.handle is not None
        for handle in (self._looker.listener.handle, self._wake[0]):
            poll.register(handle, select.POLLIN)
        while True:
            told = poll.poll(0 if self._ahead or self._looker.listener.ready else None)
            if any(handle == self._wake[0] for handle, _ in told):
                return
            try:
                with self._lock:
                    looked = self._catch_up()
                    if not told and self._ahead and self._room > 0:
                        self._room -= self._looker.read_ahead(self._ahead.popleft(), min(self._room, _AHEAD_EACH))
                    if self._looker.listener.handle is None:
                        return
            except Exception as error:  # noqa: BLE001 - without the watch there is the comparison
                _log.exception("the watch on the workspace failed; changes are found after each command from now on")
                with self._lock:
                    self._looker.listener.trouble = f"the watch failed: {error}"
                    self._looker.listener.stop()
                return
            if told and not looked:
                # Somebody writes without a pause: what comes meanwhile is told as one.
                time.sleep(_BREATH_SECONDS)

    def _catch_up(self) -> bool:
        """Take in what has happened until now; whether a file was looked at."""
        looked = self._looker.look_at_ready()
        if self._looker.listener.overflowed:
            self._looker.listener.overflowed = False
            self._looker.compare(self._good)
        self._good = time.time_ns()
        return looked

    def _tell_who_runs(self) -> None:
        self._looker.calls = frozenset(self._calls)
        self._looker.listener.tasks = frozenset(task for task, _ in self._calls.values())
