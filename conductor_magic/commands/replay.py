"""`%conduct replay RUN`: the board of a recorded run, to be scrubbed and played, as the value of the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conductor_magic.api import load

if TYPE_CHECKING:
    from conductor_magic.board_view import ReplayView

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> ReplayView:
    """Load the run that the one word names.

    Raises:
        ConductUsageError: there is no such run.
        JournalDamaged: its record is damaged.
    """
    return load(words[0]).replay()
