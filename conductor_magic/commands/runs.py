"""`%conduct runs`: the recorded runs, the latest last, each read from its own journal; and those that are archived."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path

from conductor_magic.errors import ConductorError
from conductor_magic.housekeeping import size_of, size_words, written_at
from conductor_magic.journal import NAME, is_open, read_state
from conductor_magic.report.words import clean, money
from conductor_magic.settings import archive_folder, archived_runs, run_folders, runs_folder

__all__ = ["age_words", "run"]

_SHOWN = 20
_GOAL_WIDTH = 44
_HEAD = ("run", "age", "status", "cost", "size", "goal")
_AGES = ((86_400, "d"), (3_600, "h"), (60, "min"))


def run(shell: object, words: Sequence[str]) -> None:
    """Print a line for each of the latest runs; one that cannot be read is named with the reason."""
    folders, archived = run_folders(), archived_runs()
    if folders:
        now = time.time()
        _print_table([_HEAD, *(_row(folder, now) for folder in folders[-_SHOWN:])])
        if len(folders) > _SHOWN:
            print(f"… and {len(folders) - _SHOWN} earlier ones in {runs_folder()}")
    elif not archived:
        print(f"No run has been recorded in {runs_folder()} yet.")
    if archived:
        print("Archived; %conduct restore RUN brings one back:")
        _print_table([(path.stem, size_words(path.stat().st_size)) for path in archived[-_SHOWN:]])
        if len(archived) > _SHOWN:
            print(f"… and {len(archived) - _SHOWN} earlier ones in {archive_folder()}")


def _print_table(rows: Sequence[tuple[str, ...]]) -> None:
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]) - 1)]
    for row in rows:
        print("  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]]))


def _row(folder: Path, now: float) -> tuple[str, ...]:
    size = size_words(size_of(folder))
    try:
        # Asked first: a run that ends while its record is read would have neither an end in it nor a driver.
        alive = is_open(folder / NAME)
        _, state, _ = read_state(folder / NAME)
        age = age_words(now - written_at(folder))
    except (ConductorError, OSError) as error:
        return folder.name, "", "unreadable", "", size, _one_line(str(error))
    if state.started is None:
        return folder.name, "", "unreadable", "", size, "Its journal is empty."
    status = state.status if state.ended else "running" if alive else "interrupted"
    return folder.name, age, status, money(state.spend.usd), size, _one_line(state.started.goal)


def age_words(seconds: float) -> str:
    """An age in its largest unit: `3 d`, `2 h`, `12 min`, `40 s`."""
    for size, unit in _AGES:
        if seconds >= size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0.0, seconds):.0f} s"


def _one_line(text: str) -> str:
    text = " ".join(clean(text).split())
    return text if len(text) <= _GOAL_WIDTH else text[: _GOAL_WIDTH - 1] + "…"
