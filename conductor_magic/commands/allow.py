"""`%conduct allow SCOPE WHAT`: a standing rule that spares the question about one site, path or command."""

from __future__ import annotations

from collections.abc import Sequence

from conductor_magic.permissions import SEARCH, visible
from conductor_magic.standing import add_rule, rules_file, typed_rule

__all__ = ["keep", "run"]

NOT_HIDDEN = "Commands can reach it only in mode full, where there are no walls, or when it is made while they run."


def run(shell: object, words: Sequence[str]) -> None:
    """Keep the rule and say so."""
    keep("allow", words)


def keep(decision: str, words: Sequence[str]) -> None:
    """Keep a rule of either kind and print what holds from the next run on."""
    rule = typed_rule(decision, *words)
    replaced = add_rule(rule)
    before = f" It replaces: {visible(str(replaced))}." if replaced else ""
    print(f"From the next run on: {visible(str(rule))}.{before} Kept in {rules_file()}.")
    if rule.scope == "site" and rule.what not in ("*", SEARCH):
        print("A name covers all hosts below it too, an IP address itself alone.")
    if rule.decision == "allow" and rule.scope == "command":
        print("It holds whatever the files that the command names say by then.")
    if rule.decision == "allow":
        print("It spares the question where a mode would ask; it gives no run a wider mode.")
    elif rule.scope == "path":
        print(NOT_HIDDEN)
