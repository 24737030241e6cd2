"""`%conduct restore RUN`: take a run out of its archive."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.archiving import restore

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> None:
    """Restore the run, and say where it is."""
    print(f"Restored: {restore(words[0])}")
