"""`%conduct archive RUN`: pack a run that is over into one file."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.archiving import archive
from conductor_magic.housekeeping import size_of, size_words
from conductor_magic.settings import find_run

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> None:
    """Archive the run, and say where it is now."""
    folder = find_run(words[0])
    before = size_of(folder)
    file = archive(folder)
    print(f"Archived: {folder.name} is {file} now, {size_words(file.stat().st_size)} instead of {size_words(before)}.")
    print(f"To look at it or resume it again: %conduct restore {folder.name}")
