"""`%conduct replay RUN`: the board of a recorded run, to be scrubbed and played, as the value of the line."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.api import opened
from conductor_magic.board_view import ReplayView

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> ReplayView:
    """Load the run that the one word names.

    Raises:
        ConductUsageError: there is no such run.
        JournalDamaged: its record is damaged.
    """
    folder, records, state, alive = opened(words[0])
    return ReplayView(folder, records, state, alive=alive)
