"""`%conduct help`: the options and subcommands."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.option_table import help_text

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> None:
    """Print the help."""
    print(help_text())
