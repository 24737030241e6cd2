"""The subcommands of `%conduct`, a file each: `run(shell, words)` does it and prints plain text.

A word that is no subcommand is answered with what was probably meant.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from conductor_magic.errors import ConductUsageError
from conductor_magic.lines import split_line
from conductor_magic.option_table import SUBCOMMANDS
from conductor_magic.wording import did_you_mean, shown

if TYPE_CHECKING:
    from IPython.core.interactiveshell import InteractiveShell

__all__ = ["run_command"]

_ARGUMENTS = {usage.partition(" ")[0]: usage.split()[1:] for usage in SUBCOMMANDS}


def run_command(shell: InteractiveShell, line: str) -> object:
    """Do what the line of `%conduct` says; an empty one gives the help.

    Raises:
        ConductUsageError: there is no such subcommand, or it has too few or too many words.
    """
    words = split_line(line)
    if not words or words[0] in ("--help", "-h"):
        words = ["help"]
    name, *rest = words
    if name not in _ARGUMENTS:
        known = ", ".join(_ARGUMENTS)
        raise ConductUsageError(
            f"%conduct has no subcommand {shown(name)}.{did_you_mean(name, _ARGUMENTS)} Subcommands: {known}. "
            "A goal goes into a cell of its own, below a %%conduct line."
        )
    expected = _ARGUMENTS[name]
    if expected == ["SCOPE", "WHAT"] and rest[:1] == ["command"] and len(rest) > 1:
        # A command is meant as it stands: its quotes and blanks are its own.
        rest = ["command", line.split(None, 2)[2].strip()]
    needed = [word for word in expected if not word.startswith("[")]
    if len(rest) < len(needed) or (len(rest) > len(needed) and needed == expected):
        usage = " ".join(["%conduct", name, *expected])
        raise ConductUsageError(f"Write {usage}" + (f", not {shown(line.strip())}." if rest else "."))
    return import_module(f"{__name__}.{name}").run(shell, rest)
