"""Walls of each kind on one machine, whichever of them `choose_walls` would take."""

from __future__ import annotations

from dataclasses import replace

from conductor_magic.sandbox import Walls, selftest
from conductor_magic.sandbox.guard import Guard
from conductor_magic.sandbox.survey import Survey

__all__ = ["KINDS", "landlock_walls"]

KINDS = ("bubblewrap", "landlock")


def landlock_walls(walls: Walls, abi: int = 0) -> Walls:
    """The walls that a machine without bubblewrap would put up in the place of others.

    Args:
        walls: the others.
        abi: the version of Landlock, at most what this machine has; 0 for that.
    """
    found, trouble = selftest.landlock()
    assert found, trouble
    survey = Survey(walls.workspace, walls.hidden, walls.denied, remember=True)
    guard = Guard(walls.workspace, survey, deep=True) if walls.guard else None
    return replace(walls, kind="landlock", program="", abi=abi or found, survey=survey, guard=guard)
