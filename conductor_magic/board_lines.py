"""The last line that each worker's model or tool says, as it says it: shown at the desk, and kept nowhere."""

from __future__ import annotations

from conductor_magic.redact import MARK, Redactor

__all__ = ["LINE_LIMIT", "Lines"]

LINE_LIMIT = 160
"""Characters that are shown of a line: its end."""
_KEY = "PRIVATE KEY-----"
_KEPT = 10 * LINE_LIMIT
"""Characters kept of a line: enough that a key in it is found whole, before the line is cut."""


class Lines:
    """The last lines of a run's workers.

    Args:
        redactor: takes secrets out of a line; everything else that a board shows has been through the journal.
    """

    def __init__(self, redactor: Redactor) -> None:
        self._redactor = redactor
        self._before: dict[str, str] = {}
        self._in_key: set[str] = set()
        self._said: dict[str, str] = {}
        self._fresh: set[str] = set()
        self._finished: set[str] = set()

    def say(self, worker: str, text: str) -> None:
        """Take a piece of text."""
        known = "" if worker in self._finished else self._said.get(worker, "")
        self._finished.discard(worker)
        lines = [line for line in (known + text).splitlines() if line.strip()]
        for line in lines:
            # A key of many lines is known by its first and its last only.
            if _KEY in line:
                (self._in_key.add if "BEGIN" in line else self._in_key.discard)(worker)
        if len(lines) > 1:
            self._before[worker] = lines[-2]
        line = lines[-1].lstrip()[-_KEPT:] if lines else ""
        self._said[worker] = line + "\n" if text.endswith("\n") else line
        self._fresh.add(worker)

    def begin_anew(self, worker: str) -> None:
        """What the worker says next does not continue its line: a turn has ended."""
        self._finished.add(worker)

    def forget(self, worker: str) -> None:
        """The worker is gone."""
        self._said.pop(worker, None)
        self._before.pop(worker, None)
        self._fresh.discard(worker)
        self._finished.discard(worker)
        self._in_key.discard(worker)

    def all(self) -> dict[str, str]:
        """Each worker's line, as it is shown."""
        # A copy: a page that connects may ask from another thread.
        return {worker: self._shown(worker) for worker in dict(self._said)}

    def fresh(self) -> dict[str, str]:
        """The lines that are new since this was called last."""
        lines = {worker: self._shown(worker) for worker in self._fresh}
        self._fresh.clear()
        return lines

    def _shown(self, worker: str) -> str:
        said = self._said.get(worker, "")
        if worker in self._in_key:
            return MARK
        whole = said.endswith("\n") or worker in self._finished
        shown = self._redactor.text(said) if whole else self._redactor.unfinished(said)
        # As long as nothing of a line can be shown, the one before it stays.
        return (shown.strip() or self._redactor.text(self._before.get(worker, "")).strip())[-LINE_LIMIT:]
