"""What a rehearsal worker was asked to do, and how its recipes read results and end reports. Pure."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from conductor_magic.models.rehearsal.dialogue import Outcome, Turn

__all__ = ["NO_RESULTS", "Earlier", "Job", "all_figures", "done", "incomplete", "trouble"]

Json = dict[str, Any]
_MARK = "RESULT "


@dataclass(frozen=True, slots=True)
class Earlier:
    """The result of a task that this one waited for."""

    task: str
    subject: str
    text: str


@dataclass(frozen=True, slots=True)
class Job:
    """A worker's task as the rehearsal understands it.

    Attributes:
        task: the words of the task itself, without what the engine adds.
        recipe: the recipe's name; empty when the prompt names none.
        variable: the notebook variable that it is about; empty when it is about none.
        workspace: the folder's absolute path.
        earlier: results of the tasks it waited for.
        tools: names of the tools that this request carries.
        outcomes: this worker's calls so far, with their results.
    """

    task: str
    recipe: str
    variable: str
    workspace: str
    earlier: tuple[Earlier, ...]
    tools: frozenset[str]
    outcomes: tuple[Outcome, ...]


def done(*parts: str) -> Turn:
    """A finished report; empty parts are left out."""
    return Turn("\n\n".join([*(part for part in parts if part), "STATUS: done"]))


def incomplete(reason: str, *parts: str) -> Turn:
    """A report that says what could not be done, and why."""
    line = " ".join(reason.split()).rstrip(".")
    return Turn("\n\n".join([*(part for part in parts if part), f"Not done: {line}.", f"STATUS: incomplete - {line}"]))


NO_RESULTS = incomplete("no earlier results reached this task")
"""What a report says that has nothing to report on."""


def all_figures(outcome: Outcome) -> list[Json]:
    """What the snippets of a Python call printed after `RESULT`, one object a line."""
    found: list[Json] = []
    for line in outcome.text.splitlines():
        if line.startswith(_MARK):
            try:
                value = json.loads(line.removeprefix(_MARK))
            except ValueError:
                continue  # cut by the tool's limit on output: what is not whole is not used
            if isinstance(value, dict):
                found.append(value)
    return found


def trouble(outcome: Outcome) -> str:
    """Why a call gave no figures, in one line: the tool's own last words."""
    lines = [line.strip() for line in outcome.text.splitlines() if line.strip()]
    said = lines[-1] if lines else "nothing"
    return f"the {outcome.name} tool said: {said if len(said) <= 300 else said[:299] + '…'}"
