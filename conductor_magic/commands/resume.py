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

__all__ = ["run"]

_CHANGED = (*CHANGEABLE, "returns", "answers", "background")
"""What the line may say; what it names lived in the notebook's old kernel."""


def run(shell: InteractiveShell, words: Sequence[str]) -> object:
    """Take the run over that the first word names.

    Raises:
        ConductUsageError: there is no such run, or it cannot be resumed, or not so.
        JournalDamaged: its record is damaged.
        RunInterrupted: a person stopped the cell; the result so far is bound.
    """
    line = parse_words(words[1:])
    if line.help:
        print(help_text())
        return None
    said = line.given
    fixed = [option for option in OPTIONS if option.field in said and option.field not in _CHANGED]
    if fixed:
        may = ", ".join(option.long for option in OPTIONS if option.field in _CHANGED)
        raise ConductUsageError(f"{fixed[0].long} stays as the run began with it; what may change is {may}.")
    given = {name: check_option(name, value) for name, value in said.items()}
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

    magics = shell.magics_manager.registry.get("ConductMagics")
    return play(
        shell,
        begin,
        options,
        static=getattr(magics, "final_output", "live") == "static",
        never_began=f"Stopped before run {folder.name} went on. It goes on with: %conduct resume {words[0]}",
    )
