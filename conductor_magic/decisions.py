"""What the scheduler can decide: each a value that the engine carries out (`engine.py`)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from conductor_magic.events import BudgetWarned

__all__ = [
    "Celebrate",
    "Command",
    "ContinueWorker",
    "Finish",
    "Resolve",
    "Skip",
    "StartWorker",
    "StopWorker",
    "WakeConductor",
    "WantMerge",
    "Warn",
]


@dataclass(frozen=True, slots=True)
class StartWorker:
    """Put a worker on the task, at this desk (from 1)."""

    task: str
    attempt: int
    desk: int


@dataclass(frozen=True, slots=True)
class ContinueWorker:
    """Have a worker that a resume left without a desk go on with its attempt, at this one."""

    worker: str
    desk: int


@dataclass(frozen=True, slots=True)
class StopWorker:
    """End the worker's attempt now."""

    worker: str
    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class WakeConductor:
    """Tell the conductor the first `until` notices, and which tasks were never launched."""

    until: int
    unlaunched: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class WantMerge:
    """Have the conductor merge a conflict: nobody decided otherwise while other work went on."""

    conflict: str


@dataclass(frozen=True, slots=True)
class Resolve:
    """The conflict is settled by this task."""

    conflict: str
    task: str


@dataclass(frozen=True, slots=True)
class Celebrate:
    """A phase completed."""

    phase: str


@dataclass(frozen=True, slots=True)
class Warn:
    """Have the conductor told that a cap of the run is nearly reached."""

    event: BudgetWarned


@dataclass(frozen=True, slots=True)
class Skip:
    """The run is about to end and the task was not worked on."""

    task: str
    reason: str


@dataclass(frozen=True, slots=True)
class Finish:
    """Nothing is left to do."""

    status: Literal["completed", "partial", "failed", "cancelled", "planned"]
    reason: str


Command = (
    StartWorker | ContinueWorker | StopWorker | WakeConductor | WantMerge | Resolve | Celebrate | Warn | Skip | Finish
)
