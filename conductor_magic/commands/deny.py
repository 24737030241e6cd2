"""`%conduct deny SCOPE WHAT`: a standing rule that forbids one site, path or command in every mode."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.commands.allow import keep

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> None:
    """Keep the rule and say so."""
    keep("deny", words)
