"""What the steps of the fold are made of: find a thing, move it on, put it back."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, TypeVar, cast

from conductor_magic.errors import TransitionError
from conductor_magic.events import Event, Record
from conductor_magic.lifecycle import TRANSITIONS, WAITING
from conductor_magic.state import Draft, Notice, RunState, TaskState, WorkerState, replace

__all__ = [
    "Step",
    "add_notice",
    "add_to_tape",
    "change_conductor",
    "go_on",
    "hold",
    "move",
    "put_task",
    "put_worker",
    "settle",
    "task_of",
    "waiting_for",
    "with_entry",
    "worker_at_work",
]

Step = Callable[[RunState, Record, Any], RunState]
TAPE_LENGTH = 12
_T = TypeVar("_T")


def with_entry(mapping: Mapping[str, _T], key: str, value: _T) -> dict[str, _T]:
    """A copy of the mapping with one entry set."""
    changed = dict(mapping)
    changed[key] = value
    return changed


def task_of(state: RunState, task: str, event: Event) -> TaskState:
    """The task that the event names.

    Raises:
        TransitionError: there is none.
    """
    found = state.tasks.get(task)
    if found is None:
        raise TransitionError(f"{event.kind}: there is no task {task}")
    return found


def worker_at_work(state: RunState, worker: str, event: Event) -> WorkerState:
    """The worker that the event names.

    Raises:
        TransitionError: there is none, or it has ended.
    """
    found = state.workers.get(worker)
    if found is None or found.outcome is not None:
        raise TransitionError(f"{event.kind}: no worker {worker} is at work")
    return found


def move(task: TaskState, step: str) -> TaskState:
    """The task after a step of the transition table; `settle` then tells `blocked` from `ready`.

    Raises:
        TransitionError: the task's status does not allow the step.
    """
    after = TRANSITIONS[step].get(task.status)
    if after is None:
        raise TransitionError(f"task {task.id} is {task.status}: it cannot be {step}")
    return replace(task, status=cast("Any", "ready" if after == WAITING else after))


def settle(state: RunState, tasks: dict[str, TaskState], changed: Iterable[str]) -> RunState:
    """The state with `tasks` (a copy that may be written to); the changed ones that wait stand as their blockers do."""
    for task in map(tasks.__getitem__, changed):
        if task.status in ("blocked", "ready"):
            free = all(tasks[blocker].status == "completed" or tasks[blocker].deleted for blocker in task.blocked_by)
            status = "ready" if free else "blocked"
            if status != task.status:
                tasks[task.id] = replace(task, status=status)
    return replace(state, tasks=tasks)


def waiting_for(state: RunState, task: str) -> tuple[str, ...]:
    """The ids of the tasks that have `task` among their blockers."""
    return tuple(other.id for other in state.tasks.values() if task in other.blocked_by)


def go_on(state: RunState, worker: str, desk: int, at: float) -> RunState:
    """The state with the worker back at its task, at this desk, with all that it knew."""
    former = state.workers[worker]
    # What a person stopped for its own sake stays stopped; whether anything else is to stop is decided anew.
    stays = former.ended is None and former.stopped_by == "person" and not former.with_run
    back = replace(
        former,
        desk=desk,
        model=state.tiers.get(former.tier, former.model),
        breaks=former.breaks if former.ended is None else (*former.breaks, (former.ended, at)),
        outcome=None,
        ended=None,
        cause="",
        error="",
        output="",
        stopping=former.stopping if stays else "",
        stopped_by=former.stopped_by if stays else "",
        stalled="",
        silent=False,
        with_run=False,
    )
    task = move(state.tasks[former.task], "continued")
    # Of a deleted one it is the reason for which its worker is to stop.
    task = replace(task, late="", ended=None, error=task.error if task.deleted else "", output="")
    return put_worker(put_task(state, task), back)


def put_task(state: RunState, task: TaskState) -> RunState:
    """The state with this task in its place."""
    return replace(state, tasks=with_entry(state.tasks, task.id, task))


def put_worker(state: RunState, worker: WorkerState, **changes: Any) -> RunState:
    """The state with this worker in its place, and with further fields changed in the same go."""
    workers = state.workers
    if type(state) is Draft and type(workers) is dict:
        workers[worker.id] = worker
        return replace(state, **changes)
    return replace(state, workers=with_entry(workers, worker.id, worker), **changes)


def hold(state: RunState, by: str, usd: float, tokens: int, *, lost: int = 0) -> RunState:
    """The state with this counted against the caps, because it may have been billed, for so many replies lost."""
    if not usd and not tokens:
        return state
    state = replace(state, held=state.held + usd, held_tokens=state.held_tokens + tokens, lost=state.lost + lost)
    worker = state.workers.get(by)
    if worker is None:
        return state
    held = {"held": worker.held + usd, "held_tokens": worker.held_tokens + tokens, "lost": worker.lost + lost}
    return put_worker(state, replace(worker, **held))


def change_conductor(state: RunState, **changes: Any) -> RunState:
    """The state with these fields of its conductor changed."""
    return replace(state, conductor=replace(state.conductor, **changes))


def add_notice(
    state: RunState,
    record: Record,
    about: Literal["completed", "failed", "cancelled", "edited", "conflict", "resumed", "capped", "budget"],
    task: str,
    text: str,
    *,
    wakes: bool,
) -> RunState:
    """The state with one more thing that the conductor is to learn."""
    return replace(state, notices=(*state.notices, Notice(about, task, text, wakes, record.at)))


def add_to_tape(state: RunState, record: Record) -> RunState:
    """The state with the record among the latest things that a person is shown."""
    return replace(state, tape=(*state.tape[1 - TAPE_LENGTH :], record))
