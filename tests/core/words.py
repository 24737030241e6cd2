"""Short words for events, and the state that they lead to, for tests by example."""

from __future__ import annotations

from typing import Any

from conductor_magic import events as e
from conductor_magic.check import check
from conductor_magic.events import Event, Record
from conductor_magic.fold import fold
from conductor_magic.state import RunState

__all__ = ["created", "ended", "launched", "run", "slept", "started"]


def run(*events: Event, workers: int = 2, mode: str = "workspace", workspace: str = "") -> RunState:
    """The state of a run whose conductor has begun, after these events, a second apart."""
    opening = (
        e.RunStarted(run="r", goal="g", workers=workers, mode=mode, workspace=workspace),
        e.ConductorStarted(model="m", system="", tools=(), prompt=""),
    )
    state = fold(Record(seq, float(seq), event) for seq, event in enumerate((*opening, *events), start=1))
    check(state)
    return state


def created(task: str, *blockers: str) -> Event:
    """A task with these blockers."""
    return e.TaskCreated(task=task, subject=f"Task {task}", description="d", blocked_by=blockers)


def launched(task: str, prompt: str = "do it") -> Event:
    """The conductor launches it."""
    return e.TaskLaunched(task=task, prompt=prompt, tier="sonnet")


def started(worker: str, task: str, desk: int = 1) -> Event:
    """A first attempt."""
    return e.WorkerStarted(worker=worker, task=task, attempt=1, desk=desk, tier="sonnet", model="m", prompt="do it")


def ended(worker: str, task: str, outcome: e.Outcome = "completed", **fields: Any) -> Event:
    """The attempt's end, for good unless the fields say otherwise."""
    error = "" if outcome == "completed" else "it failed"
    return e.WorkerEnded(worker=worker, task=task, outcome=outcome, **{"error": error, **fields})


def slept() -> Event:
    """The conductor ends its turn with an answer."""
    return e.ConductorSlept(text="The answer.")
