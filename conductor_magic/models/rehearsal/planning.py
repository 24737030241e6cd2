"""From a goal to a task graph: which guide fits, and its pattern spelled out for the variables at hand.

Pure but for reading the guide's file.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from conductor_magic.errors import ConductUsageError
from conductor_magic.guides import Guides, find_guides
from conductor_magic.models.rehearsal.dialogue import section
from conductor_magic.models.rehearsal.recipes import RECIPES

__all__ = ["Assignment", "Planned", "choose_guide", "plan", "read_assignment"]

Json = dict[str, Any]
FULL_TABLES = 3
"""So many tables are explored from every side; of further ones only the schema is taken."""
MOST_VARIABLES = 12
FALLBACK = "data-analysis"
_VARIABLE = re.compile(r"^- `([^`]+)`(?:: *([\w.]+))?", re.MULTILINE)
_OFFERED = re.compile(r"^([\w-]+): ", re.MULTILINE)
_CHEAPER = {"opus": "sonnet", "sonnet": "haiku", "haiku": "haiku"}
_STRATEGY = re.compile(r"^STRATEGY: (\S+)$", re.MULTILINE)
_CHOSEN = re.compile(r"^GUIDE: (\S+)\s*$", re.MULTILINE)
_TABLES = ("dataframe", "series", "ndarray", "index", "list", "tuple", "dict", "table")


@dataclass(frozen=True, slots=True)
class Assignment:
    """What the conductor was asked, read from its first message.

    Attributes:
        goal: the person's words.
        variables: (name, type as described or empty) of each notebook variable.
        guides: names of the guides that it may read.
        guide: the guide that the person chose, or None.
        strategy: what the plan is to favour; empty for nothing.
        workspace: the folder's absolute path; empty when none was told.
        plans_only: the run ends with the plan.
    """

    goal: str
    variables: tuple[tuple[str, str], ...]
    guides: tuple[str, ...]
    guide: str | None
    strategy: str = ""
    workspace: str = ""
    plans_only: bool = False

    @property
    def all_guides(self) -> Guides:
        """Ours and the person's own."""
        return find_guides(Path(self.workspace)) if self.workspace.startswith("/") else Guides()

    @property
    def looked_at(self) -> tuple[tuple[str, str], ...]:
        """The variables that a plan covers: the first ones, with names that code can use."""
        usable = [(name, kind) for name, kind in self.variables if name.isidentifier()]
        return tuple(usable[:MOST_VARIABLES])

    @property
    def left_out(self) -> tuple[str, ...]:
        """The names of the other variables."""
        covered = {name for name, _ in self.looked_at}
        return tuple(name for name, _ in self.variables if name not in covered)


@dataclass(frozen=True, slots=True)
class Planned:
    """A task of the graph to be laid out; `blocked_by` holds keys."""

    key: str
    subject: str
    description: str
    tier: str
    reason: str
    phase: str
    blocked_by: tuple[str, ...]
    prompt: str


def read_assignment(message: str) -> Assignment:
    """Read the conductor's first message.

    The goal is any text at all, headings included; below it nothing quoted stands at the beginning of a line. So the
    last WORKSPACE is the engine's, and what precedes it the goal.
    """
    goal, _, told = message.rpartition("\n\nWORKSPACE\n")
    offered = tuple(_OFFERED.findall(section(told, "GUIDES")))
    chosen = _CHOSEN.findall(told)
    variables = tuple(dict(_VARIABLE.findall(section(told, "NOTEBOOK VARIABLES"))).items())
    return Assignment(
        goal=goal.removeprefix("GOAL").strip(),
        variables=variables,
        guides=offered,
        guide=chosen[-1] if chosen else None,
        strategy=(_STRATEGY.findall(told) or [""])[-1],
        workspace=told.partition("\n")[0].strip(),
        plans_only=bool(section(told, "PLAN ONLY")),
    )


def choose_guide(assignment: Assignment) -> str:
    """The guide to start from: the person's choice, else whose keywords the goal names most, else the data's.

    Where several are named as often, the data's goes first if there are variables, and last if there are none.
    """
    guides = assignment.all_guides
    known = guides.names
    if assignment.guide in known:
        return assignment.guide
    words = set(re.findall(r"\w+", assignment.goal.lower()))
    scores = {name: len(words & set(_keywords(guides, name))) for name in assignment.guides if name in known}
    data_first = bool(assignment.looked_at)
    best = max(scores, key=lambda name: (scores[name], (name == FALLBACK) == data_first), default=FALLBACK)
    return best if scores.get(best) else FALLBACK


def plan(guide: str, assignment: Assignment) -> list[Planned]:
    """The tasks of the guide's first pattern that fits what is there and whose every recipe is known.

    A guide that has none is followed by the data-analysis guide's: whatever the goal, something real is looked at.

    Raises:
        ConductUsageError: a guide cannot be read.
    """
    # A workspace there always is.
    needs = ("variables", "workspace") if assignment.looked_at else ("workspace",)
    guides = assignment.all_guides
    for name in dict.fromkeys((guide, FALLBACK)):
        for need in needs:
            for pattern in guides.read(name).front.get("patterns", ()):
                tasks: list[Json] = pattern.get("tasks", [])
                if pattern.get("needs") == need and all(task.get("recipe") in RECIPES for task in tasks):
                    return _spelled_out(tasks, assignment)
    raise ConductUsageError("No guide has a pattern that the rehearsal can play here.")


def _keywords(guides: Guides, name: str) -> Iterable[str]:
    return (str(word).lower() for word in guides.read(name).front.get("keywords", ()))


def _spelled_out(tasks: Sequence[Json], assignment: Assignment) -> list[Planned]:
    """The pattern's tasks, one for each variable where they say so, in an order in which blockers come first."""
    variables = assignment.looked_at
    tables = [name for name, kind in variables if not kind or kind.lower().endswith(_TABLES)]
    values = [name for name, _ in variables if name not in tables]
    planned: list[Planned] = []
    keys: dict[str, list[tuple[str, str]]] = {}  # a pattern's key -> (variable, key) of each task made of it
    for variable in [*tables, *values]:
        for task in tasks:
            each = "table" if variable in tables else "value"
            brief = variable in tables[FULL_TABLES:] and not task.get("brief")
            if task.get("each") == each and not brief:
                key = task["key"] if len(variables) == 1 else f"{task['key']}-{variable}"
                made = [pair for name in task.get("blocked_by", ()) for pair in keys.get(name, ())]
                blockers = [other for about, other in made if about == variable]
                keys.setdefault(task["key"], []).append((variable, key))
                planned.append(_task(task, key, blockers, variable, assignment))
    for task in tasks:
        if "each" not in task:
            blockers = [key for name in task.get("blocked_by", ()) for _, key in keys.get(name, ())]
            keys[task["key"]] = [("", task["key"])]
            planned.append(_task(task, task["key"], blockers, "", assignment))
    return planned


def _task(task: Json, key: str, blockers: Sequence[str], variable: str, assignment: Assignment) -> Planned:
    names = ", ".join(f"`{name}`" for name, _ in assignment.looked_at) or "the workspace"
    goal = " ".join(assignment.goal.split()).rstrip(".")

    def filled(text: str) -> str:
        # The goal last: braces in it are its own.
        filled = text.replace("{variable}", variable).replace("{variables}", names)
        return " ".join(filled.split()).replace("{goal}", goal if len(goal) <= 300 else goal[:299] + "…")

    # All recipes are played by the same rules, so a tier only says what a model would cost.
    cheap = assignment.strategy == "cost" and task["tier"] != "haiku"
    lines = [filled(task["prompt"]), f"RECIPE: {task['recipe']}", *([f"VARIABLE: {variable}"] if variable else [])]
    return Planned(
        key=key,
        subject=filled(task["subject"]).replace("`", ""),
        description=filled(task["description"]),
        tier=_CHEAPER[task["tier"]] if cheap else task["tier"],
        reason=f"{task['reason']}; one tier down, as cost is to be kept low" if cheap else task["reason"],
        phase=task["phase"],
        blocked_by=tuple(dict.fromkeys(blockers)),
        prompt="\n".join([lines[0], "", *lines[1:]]),
    )
