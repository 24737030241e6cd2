"""Files that were replaced while commands ran: one that had opened the old file may write on into what nobody sees."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from conductor_magic.tools.versions import LARGEST_KEPT, digest

__all__ = ["Former", "Formers"]

_MOST = 128


@dataclass(frozen=True, slots=True)
class Former:
    """A file that has been replaced.

    Attributes:
        path: where it lay.
        handle: descriptor of it.
        sha: hash of what it held.
        calls: the commands that ran when it was replaced.
        tasks: whose they were.
        successors: the tasks that may have put the other file in its place; none when the person did.
    """

    path: str
    handle: int
    sha: str | None
    calls: frozenset[int]
    tasks: frozenset[str]
    successors: frozenset[str]


class Formers:
    """Keeps files open as long as a command may write to them, also after they were replaced."""

    def __init__(self) -> None:
        self._open: dict[str, tuple[int, str | None]] = {}
        self._replaced: list[Former] = []

    def hold(self, path: str, handle: int, sha: str | None, calls: frozenset[int], tasks: frozenset[str]) -> None:
        """Keep the file that lies at a path; if another lay there before, one of the commands has replaced that.

        Args:
            path: where it lies.
            handle: descriptor of it, which is ours from now on.
            sha: hash of what it holds.
            calls: the commands that run now.
            tasks: whose they are.
        """
        if path in self._open:
            former, known = self._open.pop(path)
            if os.path.samestat(os.fstat(former), os.fstat(handle)):
                os.close(former)
            else:
                self._keep(Former(path, former, known, calls, tasks, tasks))
        if len(self._open) >= _MOST:
            os.close(self._open.pop(next(iter(self._open)))[0])
        self._open[path] = handle, sha

    def replaced(self, former: Former) -> None:
        """A file has been replaced by a tool of ours, which had it open."""
        if former.path in self._open:
            os.close(self._open.pop(former.path)[0])
        self._keep(former)

    def _keep(self, former: Former) -> None:
        if former.calls and len(self._replaced) < _MOST:
            self._replaced.append(former)
        else:
            os.close(former.handle)

    def finished(self, running: Collection[int]) -> Iterator[tuple[Former, bytes]]:
        """Give up the files that nobody can write to any more; those that were written to, with what they hold."""
        kept: list[Former] = []
        for former in self._replaced:
            if any(call in running for call in former.calls):
                kept.append(former)
                continue
            content = os.pread(former.handle, LARGEST_KEPT, 0)
            os.close(former.handle)
            if digest(content) != former.sha:
                yield former, content
        self._replaced = kept
        if not running:
            self.close()

    def close(self) -> None:
        """Give up all of them."""
        for handle in (*(handle for handle, _ in self._open.values()), *(former.handle for former in self._replaced)):
            os.close(handle)
        self._open.clear()
        self._replaced.clear()
