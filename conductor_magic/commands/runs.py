"""`%conduct runs`: the recorded runs, the latest last, each read from its own journal."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from conductor_magic.errors import ConductorError
from conductor_magic.housekeeping import size_of, size_words
from conductor_magic.journal import NAME, read_state
from conductor_magic.report.words import clean, money
from conductor_magic.settings import run_folders, runs_folder

__all__ = ["age_words", "run"]

_SHOWN = 20
_GOAL_WIDTH = 60
_HEAD = ("run", "age", "status", "cost", "size", "goal")
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))


def run(shell: object, words: Sequence[str]) -> None:
    """Print a line for each of the latest runs; one that cannot be read is named with the reason."""
    folders = run_folders()
    if not folders:
        print(f"No run has been recorded in {runs_folder()} yet.")
        return
    now = time.time()
    rows = [_HEAD, *(_row(folder, now) for folder in folders[-_SHOWN:])]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_HEAD) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))
    if len(folders) > _SHOWN:
        print(f"… and {len(folders) - _SHOWN} earlier ones in {runs_folder()}")


def _row(folder: Path, now: float) -> tuple[str, ...]:
    size = size_words(size_of(folder))
    try:
        _, state, _ = read_state(folder / NAME)
    except (ConductorError, OSError) as error:
        return folder.name, "", "unreadable", "", size, _one_line(str(error))
    if state.started is None:
        return folder.name, "", "unreadable", "", size, "Its journal is empty."
    status = state.status if state.ended else "unfinished"
    age, cost = age_words(now - state.started_at), money(state.spend.usd)
    return folder.name, age, status, cost, size, _one_line(state.started.goal)


def age_words(seconds: float) -> str:
    """An age in its largest unit: `3 d`, `2 h`, `12 min`, `40 s`."""
    for size, unit in _AGES:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _one_line(text: str) -> str:
    text = " ".join(clean(text).split())
    return text if len(text) <= _GOAL_WIDTH else text[: _GOAL_WIDTH - 1] + "…"
