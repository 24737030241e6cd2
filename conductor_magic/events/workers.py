"""Workers: one attempt at one task each."""

from __future__ import annotations

from typing import Any, Literal

from conductor_magic.events.base import Cause, Event, Json, Outcome, Tier

__all__ = [
    "WorkerContinued",
    "WorkerEnded",
    "WorkerHeard",
    "WorkerStalled",
    "WorkerStarted",
    "WorkerStopping",
    "WorkerTold",
    "WorkerTurn",
    "WorkerWaits",
]


class WorkerStarted(Event, kind="worker.started"):
    """A worker took the task: one attempt, at one desk, with exactly this prompt."""

    worker: str
    task: str
    attempt: int
    desk: int
    tier: Tier
    model: str
    prompt: str
    system: str = ""
    tools: tuple[str, ...] = ()
    expected: float = 0.0
    host: str = "local"
    reason: str = ""
    """Why this tier; when it is not the one of the attempt before, with what became of that."""


class WorkerContinued(Event, kind="worker.continued"):
    """A worker that a resume left without a desk goes on with its attempt, at this one."""

    worker: str
    desk: int


class WorkerTurn(Event, kind="worker.turn"):
    """A whole reply of the worker's model, its blocks as the API gave them."""

    worker: str
    request: str
    content: tuple[Json, ...]
    stop: str


class WorkerTold(Event, kind="worker.told"):
    """A message of ours to the worker beyond its prompt and tool results."""

    worker: str
    text: str
    about: Literal["reminder", "repair", "resumed", "stalled"] = "reminder"


class WorkerStopping(Event, kind="worker.stopping"):
    """The worker was told to stop; its end follows."""

    worker: str
    by: str
    reason: str


class WorkerStalled(Event, kind="worker.stalled"):
    """The worker makes no progress (`repeats`, `silence`, `nothing_new`); `detail` says so in a phrase."""

    worker: str
    sign: str
    detail: str = ""


class WorkerHeard(Event, kind="worker.heard"):
    """The worker's model, which had been silent, is heard again."""

    worker: str


class WorkerWaits(Event, kind="worker.waits"):
    """A call of the worker waits until the workers of other tasks are done with a file."""

    worker: str
    call: str
    path: str
    tasks: tuple[str, ...]


class WorkerEnded(Event, kind="worker.ended"):
    """The attempt is over. `final` = the rules give the task no further attempt by themselves."""

    worker: str
    task: str
    outcome: Outcome
    cause: Cause = ""
    final: bool = True
    output: str = ""
    value: Any = None
    error: str = ""
