"""Small recorded runs, made by the journal itself."""

from __future__ import annotations

import os
import time
from pathlib import Path

from conductor_magic.events import RunNoted, RunStarted
from conductor_magic.journal import NAME, Journal
from conductor_magic.settings import runs_folder

__all__ = ["recorded"]


def recorded(run: str, *, days: float = 0) -> Path:
    """The folder of a run that was last written to so many days ago."""
    folder = runs_folder() / run
    journal = Journal(folder)
    journal.append(RunStarted(run=run, goal="Do it."))
    journal.append(RunNoted(text="Done."))
    journal.close()
    then = time.time() - days * 86_400
    os.utime(folder / NAME, (then, then))
    return folder
