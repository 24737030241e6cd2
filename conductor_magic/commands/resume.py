"""`%conduct resume RUN [NAME] [options]`: go on with a run whose kernel is gone, or that ended early."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from conductor_magic.cell import play
from conductor_magic.errors import ConductUsageError
from conductor_magic.lines import parse_words
from conductor_magic.namespace import look_up
from conductor_magic.option_checks import check_option
from conductor_magic.option_table import OPTIONS, help_text
from conductor_magic.settings import CHANGEABLE, Options, find_run

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

    from conductor_magic.run import Run

__all__ = ["NAMED", "run", "said_anew", "stays_static"]

NAMED = ("returns", "answers", "background")
"""What the line may say besides; what it names lived in the notebook's old kernel."""


def run(shell: InteractiveShell, words: Sequence[str]) -> object:
    """Take the run over that the first word names.

    Raises:
        ConductUsageError: there is no such run, or it cannot be resumed, or not so.
        JournalDamaged: its record is damaged.
        RunInterrupted: a person stopped the cell; the result so far is bound.
    """
    given = said_anew(words[1:], (*CHANGEABLE, *NAMED))
    if given is None:
        return None
    folder = find_run(words[0])
    options = Options(**given)  # pyright: ignore[reportArgumentType] - each was checked for its field just now
    named = look_up(options, shell.user_ns)

    def begin(*, quiet: bool) -> Run:
        from conductor_magic.run import resume

        return resume(
            folder,
            {**given, "quiet": quiet},
            variables=shell.user_ns,
            returns=named.returns,
            answers=named.answers,
            begin=False,
        )

    never_began = f"Stopped before run {folder.name} went on. It goes on with: %conduct resume {words[0]}"
    return play(shell, begin, options, static=stays_static(shell), never_began=never_began)


def said_anew(words: Sequence[str], may: Sequence[str]) -> dict[str, object] | None:
    """What the words of a line say of a run that has begun, checked; None when they ask for the help, which is printed.

    Args:
        words: the line's.
        may: the options that may be said, by their names in `Options`.

    Raises:
        ConductUsageError: another option is said, or a value cannot be.
    """
    line = parse_words(words, "The goal stays as the run began with it.")
    if line.help:
        print(help_text())
        return None
    fixed = [option for option in OPTIONS if option.field in line.given and option.field not in may]
    if fixed:
        known = ", ".join(option.long for option in OPTIONS if option.field in may)
        raise ConductUsageError(f"{fixed[0].long} stays as the run began with it; what may change is {known}.")
    return {name: check_option(name, value) for name, value in line.given.items()}


def stays_static(shell: InteractiveShell) -> bool:
    """Whether only the static copy of the board is to stay when a run has ended."""
    magics = shell.magics_manager.registry.get("ConductMagics")
    return getattr(magics, "final_output", "live") == "static"
