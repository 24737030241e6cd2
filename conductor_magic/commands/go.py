"""`%conduct go [NAME] [options]`: run the last plan."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conductor_magic.cell import play
from conductor_magic.commands.resume import NAMED, said_anew, stays_static
from conductor_magic.namespace import look_up
from conductor_magic.settings import GOABLE, Options

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from conductor_magic.run import Run

__all__ = ["run"]


def run(shell: InteractiveShell, words: Sequence[str]) -> object:
    """Make a new run of the last plan.

    Raises:
        ConductUsageError: there is no plan, or it cannot be run so.
        JournalDamaged: its record is damaged.
        RunInterrupted: a person stopped the cell; the result so far is bound.
    """
    given = said_anew(words, (*GOABLE, *NAMED))
    if given is None:
        return None
    options = Options(**given)  # pyright: ignore[reportArgumentType] - each was checked for its field just now
    named = look_up(options, shell.user_ns)

    def begin(*, quiet: bool) -> Run:
        from conductor_magic.plans import go

        return go(
            {**given, "quiet": quiet},
            variables=shell.user_ns,
            returns=named.returns,
            answers=named.answers,
            begin=False,
        )

    never_began = "Stopped before the plan's run began: nothing was recorded."
    return play(shell, begin, options, static=stays_static(shell), never_began=never_began)
