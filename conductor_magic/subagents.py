"""The kinds of workers that a launch can ask for: which tools each has, and what it is told of its kind. Pure.

The conductor names one in `Task`; a worker has that kind's tools and no others, whatever its prompt says. What changes
files or runs code is left to `general-purpose`: the others cannot, with or without walls.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

__all__ = ["GENERAL", "SUBAGENTS", "Subagent", "subagent"]

GENERAL = "general-purpose"
_LOOKING = frozenset({"Read", "Glob", "Grep", "LSP"})
_WEB = frozenset({"WebFetch", "WebSearch"})


@dataclass(frozen=True, slots=True)
class Subagent:
    """A kind of worker.

    Attributes:
        tools: names of the tools it may have; None for all that the run gives to workers.
        told: what its system prompt says beyond every worker's; empty for nothing.
    """

    tools: frozenset[str] | None = None
    told: str = ""

    def of(self, names: Iterable[str]) -> tuple[str, ...]:
        """Those of the run's tools that it has, in their order."""
        return tuple(name for name in names if self.tools is None or name in self.tools)


SUBAGENTS: Mapping[str, Subagent] = {
    GENERAL: Subagent(),
    "explore": Subagent(
        _LOOKING | _WEB,
        "You explore: you look and report, and change nothing. Search broadly first, then read only what matters. Give "
        "each finding with its file and line, or its address, and say what you looked for and did not find.",
    ),
    "plan": Subagent(
        _LOOKING,
        "You plan: you read what there is and design what is to be done, and change nothing. Give the steps in order, "
        "the files that each one touches, what could go wrong, and how to tell that it worked.",
    ),
}


def subagent(kind: str) -> Subagent:
    """The kind of this name. One that is not known, as a later version's record may name it, gets the fewest tools."""
    return SUBAGENTS.get(kind, SUBAGENTS["plan"])
