"""`%conduct rules`: the standing rules, a line each."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.permissions import visible
from conductor_magic.standing import rules_file, standing_rules

__all__ = ["run"]


def run(shell: object, words: Sequence[str]) -> None:
    """Print the rules and where they are kept."""
    rules = standing_rules()
    if not rules:
        print("There are no standing rules: what a mode asks about is asked in every run. See: %conduct help")
        return
    for rule in rules:
        print(f"{rule.decision:<5}  {rule.scope:<7}  {visible(rule.what)}")
    print(f"Kept in {rules_file()}")
