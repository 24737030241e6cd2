"""The last line that each worker's model or tool says, as it says it: shown at the desk, and kept nowhere."""

from __future__ import annotations

from collections.abc import Callable

__all__ = ["LINE_LIMIT", "Lines"]

LINE_LIMIT = 160
"""Characters that are shown of a line: its end."""
_KEPT = 10 * LINE_LIMIT
"""Characters kept of a line: enough that a key in it is found whole, before the line is cut."""


class Lines:
    """The last lines of a run's workers.

    Args:
        redact: takes secrets out of a line; everything else that a board shows has been through the journal.
    """

    def __init__(self, redact: Callable[[str], str]) -> None:
        self._redact = redact
        self._said: dict[str, str] = {}
        self._fresh: set[str] = set()
        self._finished: set[str] = set()

    def say(self, worker: str, text: str) -> None:
        """Take a piece of text."""
        known = "" if worker in self._finished else self._said.get(worker, "")
        self._finished.discard(worker)
        lines = [line for line in (known + text).splitlines() if line.strip()]
        line = lines[-1].lstrip()[-_KEPT:] if lines else ""
        self._said[worker] = line + "\n" if text.endswith("\n") else line
        self._fresh.add(worker)

    def begin_anew(self, worker: str) -> None:
        """What the worker says next does not continue its line: a turn has ended."""
        self._finished.add(worker)

    def forget(self, worker: str) -> None:
        """The worker is gone."""
        self._said.pop(worker, None)
        self._fresh.discard(worker)
        self._finished.discard(worker)

    def all(self) -> dict[str, str]:
        """Each worker's line, as it is shown."""
        return {worker: self._shown(worker) for worker in self._said}

    def fresh(self) -> dict[str, str]:
        """The lines that are new since this was called last."""
        lines = {worker: self._shown(worker) for worker in self._fresh}
        self._fresh.clear()
        return lines

    def _shown(self, worker: str) -> str:
        return self._redact(self._said[worker].strip())[-LINE_LIMIT:]
