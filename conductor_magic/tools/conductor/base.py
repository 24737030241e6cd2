"""What a conductor's tool is: a pure function from the state and the arguments to events and an answer.

Ids may be written "3", "#3", 3, or as the `key` that a task was created with.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from conductor_magic.errors import PlanError
from conductor_magic.events import TIERS, Event, Tier
from conductor_magic.state import RunState, TaskState

__all__ = ["ID", "ConductorTool", "Plan", "answer", "task_id", "task_named", "tier_named"]

Json = dict[str, Any]
ID: Json = {"type": ["string", "integer"]}


@dataclass(frozen=True, slots=True)
class Plan:
    """What a call does: the events to append, in order, and what the conductor is told."""

    events: tuple[Event, ...]
    result: str
    is_error: bool = False


@dataclass(frozen=True, slots=True)
class ConductorTool:
    """A tool that only edits or reads the run's state.

    Attributes:
        plan: `(state, args) -> Plan`, for arguments that fit `schema`; raises PlanError for what cannot be done.
        refused: `(state, error) -> Plan` for arguments that do not fit, or a PlanError.
    """

    name: str
    description: str
    schema: Json
    plan: Callable[[RunState, Json], Plan]
    refused: Callable[[RunState, str], Plan] = lambda state, error: Plan((), error, is_error=True)


def answer(*events: Event, **result: Any) -> Plan:
    """A plan whose result is JSON, in as few characters as it takes: the conductor keeps every one of them."""
    return Plan(events, json.dumps(result, ensure_ascii=False, separators=(",", ":")))


def task_id(state: RunState, text: str | int) -> str:
    """The id that an id or key stands for (whether or not there is such a task)."""
    name = str(text).strip()
    if name in state.keys:
        return state.keys[name]
    return name.removeprefix("#").strip()


def task_named(state: RunState, text: str | int) -> TaskState:
    """The task with this id or key.

    Raises:
        PlanError: there is none.
    """
    found = state.tasks.get(task_id(state, text))
    if found is None:
        known = ", ".join(state.tasks) or "none yet"
        raise PlanError(f"There is no task {text}. Known tasks: {known}.")
    return found


def tier_named(args: Mapping[str, Any]) -> Tier | None:
    """The tier in `model`, in any letter case; None when it is left out.

    Raises:
        PlanError: it is none of the three.
    """
    if not args.get("model"):
        return None
    name = str(args["model"]).strip().lower()
    for tier in TIERS:
        if name == tier:
            return tier
    raise PlanError(f"There is no tier {args['model']!r}: choose haiku, sonnet or opus.")
