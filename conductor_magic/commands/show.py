"""`%conduct show RUN`: the result of a recorded run, as the value of the line."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conductor_magic.api import load

if TYPE_CHECKING:
    from conductor_magic.result import ConductResult

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> ConductResult:
    """Load the run that the one word names.

    Raises:
        ConductUsageError: there is no such run.
        JournalDamaged: its record is damaged.
    """
    return load(words[0])
