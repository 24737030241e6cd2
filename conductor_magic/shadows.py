"""Tells of files that would be imported in place of an installed module: a worker's `pandas.py` beside the notebook.

Conductor itself imports nothing of the kind (`imports.py`), but the person's next `import pandas` would. Writing such a
file is allowed, as a worker may well have been asked for it; that it is there must not go unnoticed.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from conductor_magic.events import FileChanged, Record, RunNoted
from conductor_magic.imports import installed, writable_by_workers
from conductor_magic.journal import Journal
from conductor_magic.state import RunState

__all__ = ["Shadows"]

_MODULES = (".py", ".pyc", ".so")


class Shadows:
    """Watches the record of one run for such files.

    Args:
        journal: tells of files, and takes the warnings.
    """

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._told: set[str] = set()
        self._unsubscribe = journal.subscribe(self._heard)

    async def aclose(self) -> None:
        """Watch no longer."""
        self._unsubscribe()

    def _heard(self, record: Record, state: RunState) -> None:
        event = record.event
        if not isinstance(event, FileChanged) or event.action != "created" or state.ended:
            return
        path = _module_at(Path(event.path))
        if path is None or path.name in self._told or str(path.parent) not in writable_by_workers():
            return
        name = path.name.partition(".")[0]
        if installed(name):
            self._told.add(path.name)
            text = (
                f"#{event.task} made {path}: `import {name}` in your notebook now takes that for the installed module."
            )
            # Not at once: whoever is told of records is told in their order.
            asyncio.get_running_loop().call_soon(self._tell, text)

    def _tell(self, text: str) -> None:
        if not self._journal.state.ended:
            self._journal.append(RunNoted(text=text, level="warning"))


def _module_at(path: Path) -> Path | None:
    """The file or folder that is imported when this file is there; None when it is no module."""
    if path.suffix not in _MODULES:
        return None
    return path.parent if path.name.startswith("__init__.") else path
