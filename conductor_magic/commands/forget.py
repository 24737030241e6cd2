"""`%conduct forget SCOPE WHAT`: take a standing rule back."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.permissions import visible
from conductor_magic.standing import remove_rule

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> None:
    """Forget the rule and say so."""
    print(f"Forgotten: {visible(str(remove_rule(*words)))}.")
